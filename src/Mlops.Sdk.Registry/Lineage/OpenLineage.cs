using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Names in OpenLineage events.</summary>
public sealed record OpenLineageOptions
{
    /// <summary>Gets the namespace of jobs: what starts the runs.</summary>
    /// <value>The default is <c>mlops-sdk</c>.</value>
    public string JobNamespace { get; init; } = "mlops-sdk";

    /// <summary>Gets the namespace of the datasets that runs read.</summary>
    /// <value>The default is <c>mlops-sdk/data</c>.</value>
    public string DatasetNamespace { get; init; } = "mlops-sdk/data";

    /// <summary>Gets the namespace of the models that runs make.</summary>
    /// <value>The default is <c>mlops-sdk/models</c>.</value>
    public string ModelNamespace { get; init; } = "mlops-sdk/models";

    /// <summary>Gets the URI that names the producer of the events.</summary>
    /// <value>The default is <c>urn:mlops-sdk:registry</c>.</value>
    public string Producer { get; init; } = "urn:mlops-sdk:registry";
}

/// <summary>Turns ledger entries about runs into run events of OpenLineage. One writer for one pass over the ledger, in order.</summary>
/// <remarks>Source of the format: the OpenLineage specification, OpenLineage.json 2-0-2 and its facets.</remarks>
internal sealed class OpenLineageWriter(OpenLineageOptions options, IModelCatalog catalog)
{
    private const string Spec = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
    private const string Facets = "https://openlineage.io/spec/facets/";
    private const string OwnFacets = "urn:mlops-sdk:facets:1-0-0:";
    private const int MaxInputs = 1_000;
    private readonly Dictionary<string, OpenRun> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);

    /// <summary>Takes an entry in and makes its event, if it has one.</summary>
    internal async ValueTask<string?> TakeAsync(LedgerEntry entry, string? only, CancellationToken cancellationToken)
    {
        if (entry.Outcome != LedgerOutcome.Done || entry.Format > 1)
        {
            return null;
        }

        switch (entry.Kind)
        {
            case LedgerKinds.RunStarted when LedgerData.TryRead(entry.Data, out RunStart? start) && Wanted(start.RunId, only) && entry.Resource.Name == start.RunId && !_open.ContainsKey(start.RunId):
                OpenRun run = new(start, entry.Reason, entry.Actor.Id);
                _open.Add(start.RunId, run);
                return Write("START", entry.Time, run, null, null, null);
            case LedgerKinds.RunDataUsed when LedgerData.TryRead(entry.Data, out DataUseNote? use) && use.Digest.HasValue && _open.TryGetValue(use.RunId, out OpenRun? reader):
                if (reader.Inputs.Count < MaxInputs)
                {
                    reader.Inputs.Add(new Input(use.Name, use.Source, use.Digest, use.Role, null));
                }

                return null;
            case LedgerKinds.RunEnded when LedgerData.TryRead(entry.Data, out RunEnd? end) && _open.Remove(end.RunId, out OpenRun? ended):
                return Write(end.Status == RunStatus.Cancelled ? "ABORT" : "FAIL", entry.Time, ended, null, null, end.Message);
            case LedgerKinds.VersionRegistered when LedgerData.TryRead(entry.Data, out VersionNote? version) && IsNext(entry, version, only) && version.RunId is { } id && _open.Remove(id, out OpenRun? maker):
                if (version.Dataset is { Fingerprint.HasValue: true } dataset && !maker.Inputs.Exists(i => i.Digest == dataset.Fingerprint))
                {
                    maker.Inputs.Add(new Input(dataset.Source, dataset.Source, dataset.Fingerprint, "training", dataset));
                }

                return Write("COMPLETE", entry.Time, maker, version, await SchemaAsync(entry, version, cancellationToken).ConfigureAwait(false), null);
            default:
                return null;
        }
    }

    /// <summary>A run's id as a UUID: the id itself when it is one without hyphens, as those of the library are; otherwise one of version 8 made from its digest (RFC 9562).</summary>
    internal static string Uuid(string runId)
    {
        Span<byte> bytes = stackalloc byte[32];
        if (runId.Length != 32 || !Guid.TryParseExact(runId, "N", out Guid guid))
        {
            SHA256.HashData(Encoding.UTF8.GetBytes($"mlops-sdk/run/{runId}"), bytes);
            bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
            bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
            guid = new Guid(bytes[..16], bigEndian: true);
        }

        return guid.ToString("D");
    }

    private static bool Wanted(string runId, string? only) => only is null || runId == only;

    /// <summary>Whether the registry takes the version in. A pass over one run starts in the middle of the ledger, where the count before is not known.</summary>
    private bool IsNext(LedgerEntry entry, VersionNote note, string? only)
    {
        bool next = entry.Resource.Kind == "model" && entry.Resource.Name == note.Model && note.Digest.HasValue
            && (only is not null || note.Number == _versions.GetValueOrDefault(note.Model) + 1);
        if (next)
        {
            _versions[note.Model] = note.Number;
        }

        return next;
    }

    private async ValueTask<ModelSchema?> SchemaAsync(LedgerEntry entry, VersionNote note, CancellationToken cancellationToken)
    {
        try
        {
            return (await catalog.ReadManifestAsync(new ModelVersion(note.Model, note.Number, note.Digest, note.Status, note.RunId, entry.Reason, entry.Actor, entry.Time), cancellationToken).ConfigureAwait(false)).Schema;
        }
        catch (MlopsException error) when (error is MlopsNotFoundException or MlopsIntegrityException)
        {
            return null; // the event is true without it: a deleted version has lost its files
        }
    }

    private string Write(string type, DateTimeOffset time, OpenRun run, VersionNote? version, ModelSchema? schema, string? error)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteString("eventType", type);
            json.WriteString("eventTime", time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("producer", options.Producer);
            json.WriteString("schemaURL", Spec);
            json.WriteStartObject("run");
            json.WriteString("runId", Uuid(run.Start.RunId));
            json.WriteStartObject("facets");
            Facet(json, "mlops_run", $"{OwnFacets}RunFacet");
            json.WriteString("runId", run.Start.RunId);
            json.WriteString("trigger", run.Start.Trigger);
            json.WriteString("reason", run.Reason);
            json.WriteString("by", run.By);
            json.WriteEndObject();
            if (error is not null)
            {
                Facet(json, "errorMessage", $"{Facets}1-0-0/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet");
                json.WriteString("message", error);
                json.WriteString("programmingLanguage", "C#");
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartObject("job");
            json.WriteString("namespace", options.JobNamespace);
            json.WriteString("name", run.Start.Experiment);
            json.WriteStartObject("facets");
            Facet(json, "jobType", $"{Facets}2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet");
            json.WriteString("processingType", "BATCH");
            json.WriteString("integration", "MLOPS_SDK");
            json.WriteString("jobType", "TRAINING");
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartArray("inputs");
            foreach (Input input in run.Inputs)
            {
                Write(json, input, schema);
            }

            json.WriteEndArray();
            json.WriteStartArray("outputs");
            if (version is not null)
            {
                Write(json, version, schema);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private void Write(Utf8JsonWriter json, Input input, ModelSchema? schema)
    {
        json.WriteStartObject();
        json.WriteString("namespace", options.DatasetNamespace);
        json.WriteString("name", input.Name);
        json.WriteStartObject("facets");
        Version(json, input.Digest.ToString());
        Facet(json, "dataSource", $"{Facets}1-0-1/DatasourceDatasetFacet.json#/$defs/DatasourceDatasetFacet");
        json.WriteString("name", input.Source);
        json.WriteString("uri", $"urn:mlops-sdk:source:{Uri.EscapeDataString(input.Source)}");
        json.WriteEndObject();
        if (schema is not null)
        {
            Schema(json, schema.Inputs.DistinctBy(i => i.Source, StringComparer.Ordinal).Select(i => (i.Source, i.Part == DatePart.None ? i.Kind.ToString() : "Time")).Append((schema.Label, "Label")));
        }

        Facet(json, "mlops_dataset", $"{OwnFacets}DatasetFacet");
        json.WriteString("role", input.Role);
        if (input.Info is { } info)
        {
            json.WriteNumber("rows", info.Rows);
            json.WriteNumber("rejected", info.Rejected);
            json.WriteString("from", info.From);
            json.WriteString("to", info.To);
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, VersionNote version, ModelSchema? schema)
    {
        json.WriteStartObject();
        json.WriteString("namespace", options.ModelNamespace);
        json.WriteString("name", version.Model);
        json.WriteStartObject("facets");
        Version(json, version.Number.ToString(CultureInfo.InvariantCulture));
        if (schema is not null)
        {
            Schema(json, schema.Outputs.Select(o => (o, "Number")));
        }

        Facet(json, "mlops_model", $"{OwnFacets}ModelFacet");
        json.WriteString("digest", version.Digest.ToString());
        json.WriteString("status", version.Status.ToString());
        json.WriteString("algorithm", version.Algorithm);
        json.WriteString("task", version.Task?.ToString());
        json.WriteStartObject("metrics");
        foreach ((string name, MetricValue metric) in version.Metrics.OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            if (metric is not null && double.IsFinite(metric.Value))
            {
                json.WriteNumber(name, metric.Value);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Version(Utf8JsonWriter json, string version)
    {
        Facet(json, "version", $"{Facets}1-0-0/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet");
        json.WriteString("datasetVersion", version);
        json.WriteEndObject();
    }

    private void Schema(Utf8JsonWriter json, IEnumerable<(string Name, string Type)> fields)
    {
        Facet(json, "schema", $"{Facets}1-0-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet");
        json.WriteStartArray("fields");
        foreach ((string name, string type) in fields)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("type", type);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void Facet(Utf8JsonWriter json, string name, string schema)
    {
        json.WriteStartObject(name);
        json.WriteString("_producer", options.Producer);
        json.WriteString("_schemaURL", schema);
    }

    private sealed record OpenRun(RunStart Start, string Reason, string By)
    {
        internal List<Input> Inputs { get; } = [];
    }

    private sealed record Input(string Name, string Source, Digest Digest, string Role, DatasetInfo? Info);
}
