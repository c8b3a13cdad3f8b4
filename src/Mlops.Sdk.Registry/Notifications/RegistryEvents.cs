using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Turns ledger entries into events about models. Thread-safe.</summary>
public sealed class RegistryEvents
{
    private const int KeptSchemas = 64;
    private readonly ILedger _ledger;
    private readonly IModelCatalog _catalog;
    private readonly Lock _gate = new();
    private readonly Dictionary<Digest, ModelSchema> _schemas = [];

    /// <summary>Creates the source of events.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="catalog">Knows the manifests, to tell how schemas differ.</param>
    public RegistryEvents(ILedger ledger, IModelCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(catalog);
        _ledger = ledger;
        _catalog = catalog;
    }

    /// <summary>Follows the events of any process, without end and without a place of its own: what happens while nobody watches is not told. For more, see <c>AddRegistryHandler</c>.</summary>
    /// <param name="filter">Which events; null for all.</param>
    /// <param name="from">The number of the first entry to look at, such as the one after the last event handled; null for what comes from now on.</param>
    /// <param name="cancellationToken">Ends the watching.</param>
    /// <returns>The events in order.</returns>
    public async IAsyncEnumerable<RegistryEvent> WatchAsync(RegistryEventFilter? filter = null, long? from = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        long first = from ?? (await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false)).Entries;
        await foreach (LedgerEntry entry in _ledger.FollowAsync(first, cancellationToken).ConfigureAwait(false))
        {
            if (await ReadAsync(entry, filter, cancellationToken).ConfigureAwait(false) is { } happened)
            {
                yield return happened;
            }
        }
    }

    /// <summary>Makes the event of an entry.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="filter">Which events are wanted; null for all.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The event; null when the entry tells of none, of a refusal, or of one that is not wanted.</returns>
    public async ValueTask<RegistryEvent?> ReadAsync(LedgerEntry entry, RegistryEventFilter? filter = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (!EventDraft.Happened(entry) || EventDraft.Of(entry) is not { } draft || !RegistryRules.IsName(draft.Model) || filter?.Matches(draft.Kind, draft.Model, draft.Alias) == false)
        {
            return null;
        }

        return new RegistryEvent(entry.Id, entry.Number, draft.Kind, entry.Time, draft.Model, entry.Actor, entry.Reason)
        {
            Version = draft.Version,
            OldVersion = draft.Old,
            Alias = draft.Alias,
            Details = draft.Details,
            SchemaChange = draft is { ComparesSchemas: true, Version: { } now, Old: { } old } && now != old
                ? await CompareAsync(draft.Model, old, now, cancellationToken).ConfigureAwait(false)
                : null,
        };
    }

    /// <summary>Compares the schemas of two versions; null when one does not read, which must not keep the event from being told.</summary>
    private async ValueTask<SchemaDifference?> CompareAsync(string model, int old, int now, CancellationToken cancellationToken)
    {
        try
        {
            return await SchemaAsync(model, old, cancellationToken).ConfigureAwait(false) is { } before && await SchemaAsync(model, now, cancellationToken).ConfigureAwait(false) is { } after
                ? SchemaDifference.Between(before, after)
                : null;
        }
        catch (MlopsException error) when (error is MlopsNotFoundException or MlopsIntegrityException)
        {
            return null;
        }
    }

    private async ValueTask<ModelSchema?> SchemaAsync(string model, int number, CancellationToken cancellationToken)
    {
        ModelVersion? version = await _catalog.FindVersionAsync(model, number, cancellationToken).ConfigureAwait(false);
        if (version is null)
        {
            return null;
        }

        lock (_gate)
        {
            if (_schemas.TryGetValue(version.Digest, out ModelSchema? known))
            {
                return known;
            }
        }

        ModelSchema schema = (await _catalog.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false)).Schema;
        lock (_gate)
        {
            if (_schemas.Count >= KeptSchemas)
            {
                _schemas.Clear();
            }

            _schemas[version.Digest] = schema;
        }

        return schema;
    }
}

/// <summary>What an entry says by itself.</summary>
internal sealed record EventDraft(RegistryEventKind Kind, string Model, int? Version = null, int? Old = null, string? Alias = null)
{
    private const int NewestFormat = 1;
    private static readonly string[] AlertFactNames = ["severity", "signal", "segment", "owner", "description", "runBook"];
    private static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>();

    internal IReadOnlyDictionary<string, string> Details { get; init; } = None;

    internal bool ComparesSchemas => Kind is RegistryEventKind.VersionRegistered or RegistryEventKind.AliasMoved;

    /// <summary>Tells whether an entry is about what happened: a refusal of a host did, what a rule denied did not.</summary>
    internal static bool Happened(LedgerEntry entry) =>
        entry.Outcome == LedgerOutcome.Done || (entry.Kind == LedgerKinds.DeploymentFailed && entry.Outcome == LedgerOutcome.Failed);

    /// <summary>Reads an entry; null when it tells of nothing about a model, or in a form that a newer library wrote.</summary>
    internal static EventDraft? Of(LedgerEntry entry)
    {
        if (entry.Format > NewestFormat)
        {
            return null;
        }

        switch (entry.Kind)
        {
            case LedgerKinds.VersionRegistered when LedgerData.TryRead(entry.Data, out VersionNote? n):
                return new(n.Status == VersionStatus.Rejected ? RegistryEventKind.VersionRejected : RegistryEventKind.VersionRegistered, n.Model, n.Number, n.Parent) { Details = Facts(("digest", n.Digest.ToString()), ("run", n.RunId)) };
            case LedgerKinds.AliasMoved when LedgerData.TryRead(entry.Data, out AliasNote? n):
                return new(RegistryEventKind.AliasMoved, n.Model, n.To > 0 ? n.To : null, n.From, n.Alias);
            case LedgerKinds.StageMoved when LedgerData.TryRead(entry.Data, out StageNote? n):
                return new(RegistryEventKind.StageMoved, n.Model, n.Version) { Details = Facts(("from", n.From), ("stage", n.To)) };
            case LedgerKinds.VersionDeprecated when LedgerData.TryRead(entry.Data, out DeprecationNote? n):
                return new(RegistryEventKind.VersionDeprecated, n.Model, n.Version) { Details = Facts(("successor", n.Successor?.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("revoked", n.Revoked ? "true" : null)) };
            case LedgerKinds.VersionDeleted when LedgerData.TryRead(entry.Data, out TombstoneNote? n):
                return new(RegistryEventKind.VersionDeleted, n.Model, n.Version);
            case LedgerKinds.TagSet when LedgerData.TryRead(entry.Data, out TagNote? n):
                return new(RegistryEventKind.TagSet, n.Model, n.Version) { Details = Facts(("tag", n.Key), ("value", n.Value), ("removed", n.Value is null ? "true" : null)) };
            case LedgerKinds.ModelDescribed when LedgerData.TryRead(entry.Data, out DescriptionNote? n):
                return new(RegistryEventKind.ModelDescribed, n.Model) { Details = Facts(("description", n.Description), ("owner", n.Owner)) };
            case LedgerKinds.AlertRaised when LedgerData.TryRead(entry.Data, out AlertNote? n):
                return new(RegistryEventKind.AlertRaised, n.Model, n.Version) { Details = Facts([("alert", n.AlertId), ("check", n.Check), ("message", n.Message), .. AlertFacts(entry.Data)]) };
            default:
                return OfHostsAndPeople(entry);
        }
    }

    private static EventDraft? OfHostsAndPeople(LedgerEntry entry) => entry.Kind switch
    {
        LedgerKinds.DeploymentStarted or LedgerKinds.DeploymentEnded or LedgerKinds.DeploymentFailed when LedgerData.TryRead(entry.Data, out DeploymentNote? n) => new(
            entry.Kind switch { LedgerKinds.DeploymentStarted => RegistryEventKind.DeploymentStarted, LedgerKinds.DeploymentEnded => RegistryEventKind.DeploymentEnded, _ => RegistryEventKind.DeploymentRefused },
            n.Model,
            n.Version)
        {
            Details = Facts(("host", n.Host), ("scorer", n.Scorer), ("problem", n.Problem)),
        },
        LedgerKinds.AccessRequested when LedgerData.TryRead(entry.Data, out AccessRequestNote? n) => new(RegistryEventKind.AccessRequested, n.Model) { Details = Facts(("request", entry.Id)) },
        LedgerKinds.AccessAnswered when LedgerData.TryRead(entry.Data, out AccessAnswerNote? n) =>
            new(RegistryEventKind.AccessAnswered, n.Model) { Details = Facts(("request", n.RequestId), ("granted", n.Granted ? "true" : "false")) },
        LedgerKinds.ModelRated when LedgerData.TryRead(entry.Data, out RatingNote? n) =>
            new(RegistryEventKind.ModelRated, n.Model) { Details = Facts(("stars", n.Stars.ToString(System.Globalization.CultureInfo.InvariantCulture))) },
        "monitor.alert_acknowledged" or "monitor.alert_escalated" or "monitor.alert_reminded" or "monitor.alert_closed" when Text(entry.Data, "alertId") is { } alert && Text(entry.Data, "model") is { } model =>
            new(RegistryEventKind.AlertChanged, model, entry.Resource.Version) { Details = Facts(("alert", alert), ("change", entry.Kind["monitor.alert_".Length..]), ("severity", Text(entry.Data, "severity"))) },
        _ when entry.Kind.StartsWith("approval.", StringComparison.Ordinal) && LedgerData.TryRead(entry.Data, out ApprovalNote? n) =>
            new(RegistryEventKind.Approval, n.Model, n.Version) { Details = Facts(("decision", entry.Kind["approval.".Length..])) },
        _ => null,
    };

    /// <summary>What monitoring says of an alert besides what every check says.</summary>
    private static IEnumerable<(string Name, string? Value)> AlertFacts(JsonElement data) =>
        AlertFactNames.Select(name => (name, Text(data, name)));

    private static string? Text(JsonElement data, string name) =>
        data.ValueKind == JsonValueKind.Object && data.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static Dictionary<string, string> Facts(params ReadOnlySpan<(string Name, string? Value)> facts)
    {
        Dictionary<string, string> all = new(StringComparer.Ordinal);
        foreach ((string name, string? value) in facts)
        {
            if (value is not null)
            {
                all[name] = value;
            }
        }

        return all;
    }
}
