using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Monitoring;

/// <summary>Measures how right models are: by the truth that comes later, and by the model's own confidence where it has not come. Thread-safe; one instance a process is enough.</summary>
/// <remarks>
/// A prediction with an id (<see cref="PredictionContext.Id"/>, or <see cref="RecordAsync"/>) and the truth about it (<see cref="ActualAsync(string, string, double, DateTimeOffset?, int, CancellationToken)"/>)
/// are records of one log of the workspace, <c>outcomes/MODEL</c>, in any order, from any process. They are joined when something is
/// measured: performance is a function of the log, so a truth counts once however often it is told, and every host measures the same.
/// Ids are written as hashes; of a row only scores, answer, segment and time are kept. A killed process loses at most what it took in since
/// <see cref="PerformanceOptions.FlushInterval"/>. Predictions without an id are counted in histograms and estimated when a window closes.
/// </remarks>
public sealed partial class PerformanceMonitor : IPredictionObserver, ISignalSource, IAsyncDisposable
{
    private const int MaxServed = 64;
    private readonly RecordLogs _logs;
    private readonly IModelCatalog _catalog;
    private readonly IArtifactStore _artifacts;
    private readonly TimeProvider _time;
    private readonly PerformanceOptions _options;
    private readonly ILogger _logger;
    private readonly OutcomeIds _ids;
    private readonly Dictionary<string, PerformancePlan> _plans = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RecordLog> _open = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Model, int Version), VersionFacts> _facts = new();
    private readonly ConcurrentDictionary<(string Model, int Version, string Kpi), double> _kpis = new();
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly Lock _gate = new();
    private readonly Meter _meter = new(MlopsDiagnostics.Monitoring);
    private Served[] _served = []; // replaced whole, never written into
    private long _notRecorded;
    private int _disposed;

    /// <summary>Creates a monitor.</summary>
    /// <param name="logs">The record logs of the workspace.</param>
    /// <param name="catalog">Where versions are found.</param>
    /// <param name="artifacts">Where their files are read.</param>
    /// <param name="time">The clock; the one that <paramref name="logs"/> has.</param>
    /// <param name="options">The options, or null for the defaults. Copied.</param>
    /// <param name="plans">What is measured of single models besides the standard metrics; of two plans for one model the later counts.</param>
    /// <param name="logger">The log, or null.</param>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public PerformanceMonitor(
        RecordLogs logs,
        IModelCatalog catalog,
        IArtifactStore artifacts,
        TimeProvider time,
        PerformanceOptions? options = null,
        IEnumerable<PerformancePlan>? plans = null,
        ILogger<PerformanceMonitor>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(logs);
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(time);
        (_logs, _catalog, _artifacts, _time) = (logs, catalog, artifacts, time);
        _options = (options ?? new PerformanceOptions()).CheckedCopy();
        _logger = logger ?? NullLogger<PerformanceMonitor>.Instance;
        _ids = new OutcomeIds(_options.IdKey);
        foreach (PerformancePlan plan in plans ?? [])
        {
            _plans[plan.Model] = plan;
        }

        _meter.CreateObservableGauge("mlops.monitoring.kpi", Kpis, description: "The business numbers of the present UTC day, as last measured.");
    }

    /// <summary>Gets how many predictions with an id could not be recorded: the version was not announced, the id is empty or longer than 128 characters, a score was not finite, or the store was away too long.</summary>
    public long NotRecorded => Volatile.Read(ref _notRecorded);

    /// <inheritdoc/>
    public async ValueTask PrepareAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(artifacts);
        if (Find(version.Model, version.Number) is not null)
        {
            return; // back in service: goes on where it was
        }

        VersionFacts facts;
        try
        {
            facts = await ReadFactsAsync(manifest, artifacts, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsException e)
        {
            // truths can be counted without the reference's facts
            _logger.UnusableFacts(version.Model, version.Number, e.Code, e);
            facts = new VersionFacts(manifest.Schema, OutcomeLayout.Of(manifest.Schema), null, null);
        }

        if (facts.Layout is not { } layout)
        {
            _logger.NoScores(version.Model, version.Number);
            return;
        }

        PerformancePlan? plan = _plans.GetValueOrDefault(version.Model);
        int slot = -1;
        if (plan?.Segment is { } segment)
        {
            string[] texts = [.. manifest.Schema.Inputs.Where(i => i.Kind == InputKind.Text).Select(i => i.Name)];
            slot = Array.IndexOf(texts, segment);
            if (slot < 0)
            {
                _logger.NoSegment(version.Model, version.Number, segment);
            }
        }

        RecordLog log = await LogAsync(version.Model, cancellationToken).ConfigureAwait(false);
        var counts = new ServedPerformance(version.Model, version.Number, layout, facts, slot, plan?.Answers, _options.LossSampling, _time.GetUtcNow());
        lock (_gate)
        {
            if (Find(version.Model, version.Number) is not null)
            {
                return;
            }

            Served[] kept = _served.Length < MaxServed ? _served : [.. _served.Skip(1)];
            Volatile.Write(ref _served, [.. kept, new Served(counts, log)]);
        }
    }

    /// <inheritdoc/>
    public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
    {
    }

    /// <inheritdoc/>
    public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs) => OnPredicted(model, version, row, outputs, default);

    /// <inheritdoc/>
    public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs, in PredictionContext context)
    {
        Served? served = Find(model, version);
        if (served is null || context.Id is null)
        {
            served?.Counts.Count(row, outputs, [], default);
            _ = served is null && context.Id is not null ? Interlocked.Increment(ref _notRecorded) : 0;
            return;
        }

        if (!OutcomeIds.IsId(context.Id))
        {
            served.Counts.Count(row, outputs, [], default);
            Interlocked.Increment(ref _notRecorded);
            return;
        }

        const int Stack = 512;
        int most = OutcomeCodec.MaxBytes(served.Counts.Layout.Scores);
        Span<byte> record = most <= Stack ? stackalloc byte[Stack] : new byte[most];
        int length = served.Counts.Count(row, outputs, record, _ids.Hash(context.Id));
        if (length == 0 || !TryAppend(served.Log, record[..length]))
        {
            Interlocked.Increment(ref _notRecorded);
        }
    }

    /// <summary>Records a prediction that was made elsewhere, such as in a batch: without histograms, only for the truth that will come.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version that answered.</param>
    /// <param name="id">The prediction's id, 1 to 128 characters.</param>
    /// <param name="outputs">The outputs, in the schema's order.</param>
    /// <param name="segment">The value of the segment, or null for none.</param>
    /// <param name="at">When it was made; null for now.</param>
    /// <param name="cancellationToken">Stops the waiting for room.</param>
    /// <returns>A task that ends when the prediction was taken in; it is durable at the next flush.</returns>
    /// <exception cref="ArgumentException">The id is empty or too long.</exception>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsDataException">The outputs tell no finite score; code <c>monitoring.unusable_outcome</c>.</exception>
    public async ValueTask RecordAsync(string model, int version, string id, ReadOnlyMemory<float> outputs, string? segment = null, DateTimeOffset? at = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        RequireId(id);
        VersionFacts facts = await FactsAsync(model, version, cancellationToken).ConfigureAwait(false);
        RecordLog log = await LogAsync(model, cancellationToken).ConfigureAwait(false);
        await AppendAsync(log, Encode(facts, model, version, id, outputs.Span, segment), at, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes everything taken in so far, so that every process finds it.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <returns>A task that ends when it is durable.</returns>
    /// <exception cref="MlopsException">The store or the ledger failed; everything stays in memory and is tried again.</exception>
    public async ValueTask FlushAsync(string model, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        if (_open.TryGetValue(model, out RecordLog? log))
        {
            await log.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Deletes the predictions and truths of a model that are older than an instant, in whole segments. The ledger says so.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="before">The instant.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>What went.</returns>
    public async ValueTask<RecordDeletion> ForgetAsync(string model, DateTimeOffset before, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return await (await LogAsync(model, cancellationToken).ConfigureAwait(false)).DeleteBeforeAsync(before, reason, dryRun: false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what is left and closes the logs. A failure is logged.</summary>
    /// <returns>A task that ends when everything that could be written is.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        foreach ((string model, RecordLog log) in _open)
        {
            try
            {
                await log.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is MlopsException or IOException)
            {
                _logger.OutcomesLost(model, (e as MlopsException)?.Code ?? e.GetType().Name, e);
            }
        }

        _meter.Dispose();
        _opening.Dispose();
    }

    /// <summary>The name of a model's log: object keys have lower-case letters only, so other names are hashed.</summary>
    internal static string LogNameOf(string model) =>
        ObjectKey.TryParse($"outcomes/{model}", out _) && !model.Contains('/', StringComparison.Ordinal)
            ? $"outcomes/{model}"
            : $"outcomes/x-{Digest.Of(System.Text.Encoding.UTF8.GetBytes(model)).Hex[..32]}";

    private static byte[] Encode(VersionFacts facts, string model, int version, string id, ReadOnlySpan<float> outputs, string? segment, OutcomeIds ids)
    {
        float[] scores = new float[facts.Layout?.Scores ?? 0];
        if (facts.Layout is null || !facts.Layout.Read(outputs, scores, out float answer))
        {
            throw new MlopsDataException("monitoring.unusable_outcome", $"The outputs of {model} v{version} are {string.Join(", ", facts.Schema.Outputs)}; finite scores among as many numbers are needed, {outputs.Length} numbers without one were given.");
        }

        byte[] record = new byte[OutcomeCodec.MaxBytes(scores.Length)];
        int length = OutcomeCodec.WritePrediction(record, ids.Hash(id), version, scores, answer, [], segment, segment is not null);
        return record[..length];
    }

    private static void RequireId(string id)
    {
        if (!OutcomeIds.IsId(id))
        {
            throw new ArgumentException($"The id of a prediction has 1 to {OutcomeIds.MaxId} characters; one of {id?.Length ?? 0} was given.", nameof(id));
        }
    }

    private static bool TryAppend(RecordLog log, ReadOnlySpan<byte> record)
    {
        try
        {
            return log.TryAppend(record);
        }
        catch (ObjectDisposedException)
        {
            return false; // the process stops
        }
    }

    private byte[] Encode(VersionFacts facts, string model, int version, string id, ReadOnlySpan<float> outputs, string? segment) => Encode(facts, model, version, id, outputs, segment, _ids);

    private static async ValueTask AppendAsync(RecordLog log, byte[] record, DateTimeOffset? at, CancellationToken cancellationToken)
    {
        if (at is not { } time)
        {
            await log.AppendAsync(record, cancellationToken).ConfigureAwait(false);
            return;
        }

        while (!log.Append(record, time))
        {
            await log.FlushAsync(cancellationToken).ConfigureAwait(false); // no room: wait until what is there is written
        }
    }

    private Served? Find(string model, int version)
    {
        foreach (Served served in Volatile.Read(ref _served))
        {
            if (served.Counts.Version == version && (ReferenceEquals(served.Counts.Model, model) || served.Counts.Model == model))
            {
                return served;
            }
        }

        return null;
    }

    private async ValueTask<RecordLog> LogAsync(string model, CancellationToken cancellationToken)
    {
        if (_open.TryGetValue(model, out RecordLog? log))
        {
            return log;
        }

        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_open.TryGetValue(model, out log))
            {
                _open[model] = log = await _logs.OpenAsync(LogNameOf(model), new RecordLogOptions { SegmentAge = _options.FlushInterval }, cancellationToken).ConfigureAwait(false);
            }

            return log;
        }
        finally
        {
            _opening.Release();
        }
    }

    private async ValueTask<VersionFacts> FactsAsync(string model, int version, CancellationToken cancellationToken)
    {
        if (_facts.TryGetValue((model, version), out VersionFacts? facts))
        {
            return facts;
        }

        ModelVersion found = await _catalog.FindVersionAsync(model, version, cancellationToken).ConfigureAwait(false)
            ?? throw new MlopsNotFoundException("registry.version_not_found", $"There is no version {version} of model '{model}'. List the versions with IModelCatalog.ListVersionsAsync.");
        ModelManifest manifest = await _catalog.ReadManifestAsync(found, cancellationToken).ConfigureAwait(false);
        facts = await ReadFactsAsync(manifest, _artifacts, cancellationToken).ConfigureAwait(false);
        if (_facts.Count > 256)
        {
            _facts.Clear();
        }

        return _facts[(model, version)] = facts;
    }

    private static async ValueTask<VersionFacts> ReadFactsAsync(ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken)
    {
        PerformanceReference? reference = null;
        LossModel? losses = null;
        if (manifest.Files.FirstOrDefault(f => f.Name == PerformanceReference.FileName) is { } file)
        {
            reference = PerformanceReference.Deserialize(await artifacts.ReadAsync(file.Digest, PerformanceReference.MaxBytes, cancellationToken).ConfigureAwait(false));
        }

        if (manifest.Schema.Task == ModelTask.Regression && manifest.Files.FirstOrDefault(f => f.Name == LossModel.FileName) is { } model)
        {
            losses = LossModel.Deserialize(await artifacts.ReadAsync(model.Digest, LossModel.MaxBytes, cancellationToken).ConfigureAwait(false));
            losses = losses.Fits(manifest.Schema) ? losses : null;
        }

        OutcomeLayout? layout = OutcomeLayout.Of(manifest.Schema);
        bool fits = reference is not null && reference.Task == manifest.Schema.Task && (reference.Task == ModelTask.Regression || reference.Classes.Count == layout?.Scores);
        return new VersionFacts(manifest.Schema, layout, fits ? reference : null, losses);
    }

    private IEnumerable<Measurement<double>> Kpis() =>
        [.. _kpis.Select(k => new Measurement<double>(k.Value, new(MlopsDiagnostics.ModelTag, k.Key.Model), new(MlopsDiagnostics.VersionTag, k.Key.Version), new("mlops.kpi", k.Key.Kpi)))];

    private sealed record Served(ServedPerformance Counts, RecordLog Log);
}
