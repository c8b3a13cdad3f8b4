using System.Diagnostics.Metrics;

namespace Mlops.Sdk;

/// <summary>The record logs of a store: high-volume records that are kept beside the ledger in segments whose digests the ledger holds. Thread-safe; one instance per ledger is enough.</summary>
/// <remarks>
/// A log has any number of writers in any number of processes and machines; each writes segments of its own, so writers never wait for each other.
/// A segment is one object <c>records/LOG/WRITER-NNNNNNNN</c>, written whole and if-absent, then named on the ledger by digest
/// (<see cref="LedgerKinds.RecordsRolled"/>): a record that was read is what was written, and a segment that is gone is missed.
/// </remarks>
public sealed class RecordLogs
{
    internal const string ResourceKind = "records";
    private readonly RecordIndex _index = new();
    private readonly IObjectStore _store;
    private readonly ILedger _ledger;
    private readonly TimeProvider _time;
    private readonly IIdGenerator _ids;
    private volatile bool _attached;

    /// <summary>Creates the logs of a store.</summary>
    /// <param name="store">The store; not disposed.</param>
    /// <param name="ledger">The ledger on the same store; not disposed. It must live longer than every open log.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="ids">Makes the ids of writers; null for time-ordered ones.</param>
    public RecordLogs(IObjectStore store, ILedger ledger, TimeProvider? time = null, IIdGenerator? ids = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(ledger);
        (_store, _ledger, _time) = (store, ledger, time ?? TimeProvider.System);
        _ids = ids ?? new TimeOrderedIdGenerator(_time);
    }

    internal RecordIndex Index => _index;

    internal IObjectStore Store => _store;

    internal ILedger Ledger => _ledger;

    internal TimeProvider Time => _time;

    internal IIdGenerator Ids => _ids;

    /// <summary>Opens a log for appending, and commits segments that a killed writer left between the store and the ledger.</summary>
    /// <param name="name">The log's name, such as <c>access</c> or <c>metrics/RUN-ID</c>: an object key of at most 400 characters.</param>
    /// <param name="options">How to write; null for defaults. Copied.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>The log, to be disposed by the caller: that writes what waits.</returns>
    /// <exception cref="MlopsDataException">The name is none; code <c>records.invalid_name</c>.</exception>
    /// <exception cref="MlopsException">An option is out of range; code <c>records.invalid_option</c>.</exception>
    public async ValueTask<RecordLog> OpenAsync(string name, RecordLogOptions? options = null, CancellationToken cancellationToken = default)
    {
        RecordLog log = Get(name, options);
        await log.AdoptAsync(cancellationToken).ConfigureAwait(false);
        return log;
    }

    /// <summary>Gets a log to read: looks nothing up and commits nothing.</summary>
    /// <param name="name">The log's name.</param>
    /// <returns>The log. It can be appended to as well, and then has to be disposed.</returns>
    /// <exception cref="MlopsDataException">The name is none; code <c>records.invalid_name</c>.</exception>
    public RecordLog Get(string name) => Get(name, null);

    /// <summary>Lists the logs that the ledger knows.</summary>
    /// <param name="prefix">What their names start with; empty for all.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The logs by name.</returns>
    public async ValueTask<IReadOnlyList<RecordLogSummary>> ListAsync(string prefix = "", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        return _index.Summaries(prefix);
    }

    internal async ValueTask AttachAsync(CancellationToken cancellationToken)
    {
        if (!_attached)
        {
            await _ledger.AttachAsync(_index, cancellationToken).ConfigureAwait(false);
            _attached = true;
        }
    }

    internal async ValueTask RefreshAsync(CancellationToken cancellationToken)
    {
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    private RecordLog Get(string name, RecordLogOptions? options)
    {
        ArgumentNullException.ThrowIfNull(name);
        return RecordKeys.IsLog(name)
            ? new RecordLog(this, name, (options ?? new RecordLogOptions()).CheckedCopy())
            : throw new MlopsDataException("records.invalid_name", "The name of a record log is 1 to 400 characters: segments of a-z, 0-9, '-', '_' and '.' joined by '/'; the one found is not.");
    }
}

/// <summary>The instruments of record logs, on the meter <see cref="MlopsDiagnostics.Core"/>.</summary>
internal static class RecordMeter
{
    private static readonly Meter Meter = new(MlopsDiagnostics.Core);

    internal static Counter<long> Written { get; } = Meter.CreateCounter<long>("mlops.records.written", "{record}", "Records made durable.");

    internal static Counter<long> Dropped { get; } = Meter.CreateCounter<long>("mlops.records.dropped", "{record}", "Records that found no room while the store was slow or away.");

    internal static Counter<long> Segments { get; } = Meter.CreateCounter<long>("mlops.records.segments", "{segment}", "Segments written and committed.");

    /// <summary>The tag with the first part of a log's name: the kind of log, of which there are few.</summary>
    internal static KeyValuePair<string, object?> Tag(string log) => new("mlops.log", log.Split('/', 2)[0]);
}
