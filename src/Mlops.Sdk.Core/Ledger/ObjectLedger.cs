using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk;

/// <summary>The ledger on an object store. Thread-safe; one instance per process and store is enough.</summary>
public sealed partial class ObjectLedger : ILedger, IAsyncDisposable
{
    private readonly IObjectStore _store;
    private readonly LedgerOptions _options;
    private readonly TimeProvider _time;
    private readonly IIdGenerator _ids;
    private readonly IActorAccessor _actors;
    private readonly ILogger _logger;
    private readonly string _source;
    private readonly Channel<AppendRequest> _requests = Channel.CreateUnbounded<AppendRequest>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SemaphoreSlim _reading = new(1, 1);                 // holds: who may read commits and feed projections
    private readonly List<AttachedProjection> _projections = [];
    private readonly List<ILedgerGuard> _guards = [];
    private readonly Lock _gate = new();                                 // guards what is known: all fields from here to _foldedTree
    private readonly RecentEntries _recent = new();
    private readonly CommitTail _tail;
    private readonly List<SegmentPlace> _segments = [];
    private readonly MerkleFrontier _tree = new();
    private LedgerHead _head;
    private LedgerHead _folded;
    private MerkleFrontier _foldedTree = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _jitter;
    private Task _writer = Task.CompletedTask;
    private int _closed;
    private Look _confirmed;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ObjectLedger(IObjectStore store, LedgerOptions options, TimeProvider time, IIdGenerator ids, IActorAccessor actors, ILogger logger)
    {
        (_store, _options, _time, _ids, _actors, _logger) = (store, options, time, ids, actors, logger);
        _tail = new CommitTail(options.SegmentCommits, options.SegmentBytes);
        _source = $"{options.Host}/{Environment.ProcessId}/{typeof(ObjectLedger).Assembly.GetName().Version?.ToString(3)}";
        _jitter = new Random(HashCode.Combine(_source, time.GetTimestamp()));
    }

    /// <inheritdoc/>
    public LedgerHead Head
    {
        get
        {
            lock (_gate)
            {
                return _head;
            }
        }
    }

    /// <summary>Opens the ledger of a store: reads the header of the newest segment and checks every commit behind it. <see cref="VerifyAsync(CancellationToken)"/> checks all.</summary>
    /// <param name="store">The store.</param>
    /// <param name="options">How to work with it; null for defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="ids">Makes entry ids; null for time-ordered ones.</param>
    /// <param name="actors">Says who acts; null for the process user.</param>
    /// <param name="guards">Stand at the append; one that is a projection too is attached before anything can be written. More can be added with <see cref="AddGuard"/>.</param>
    /// <param name="logger">Takes what a person should know; null for none.</param>
    /// <param name="ct">Stops the opening.</param>
    /// <returns>The ledger, to be disposed by the caller.</returns>
    /// <exception cref="MlopsIntegrityException">A commit is not what was written; code <c>ledger.corrupt</c>.</exception>
    public static async ValueTask<ObjectLedger> OpenAsync(
        IObjectStore store,
        LedgerOptions? options = null,
        TimeProvider? time = null,
        IIdGenerator? ids = null,
        IActorAccessor? actors = null,
        IEnumerable<ILedgerGuard>? guards = null,
        ILogger<ObjectLedger>? logger = null,
        CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        options ??= new LedgerOptions();
        options.Check();
        time ??= TimeProvider.System;
        var ledger = new ObjectLedger(store, options, time, ids ?? new TimeOrderedIdGenerator(time), actors ?? new ProcessActorAccessor(), logger ?? NullLogger<ObjectLedger>.Instance);
        ledger._guards.AddRange(guards ?? []);
        await ledger.FindSegmentsAsync(ct).ConfigureAwait(false);
        await ledger.RefreshAsync(ct).ConfigureAwait(false);
        foreach (ILedgerProjection projection in ledger._guards.OfType<ILedgerProjection>())
        {
            await ledger.AttachAsync(projection, ct).ConfigureAwait(false);
        }

        ledger._writer = Task.Run(ledger.WriteLoopAsync, CancellationToken.None);
        return ledger;
    }

    /// <summary>Adds a guard. It sees every append from now on; attach it first when it is a projection too.</summary>
    /// <param name="guard">The guard; adding the same one again does nothing.</param>
    public void AddGuard(ILedgerGuard guard)
    {
        ArgumentNullException.ThrowIfNull(guard);
        lock (_guards)
        {
            if (!_guards.Contains(guard))
            {
                _guards.Add(guard);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<LedgerReceipt> AppendAsync(IReadOnlyList<LedgerDraft> drafts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(drafts);
        return EnqueueAsync(null, () => drafts, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<LedgerReceipt> AppendAsync(string subject, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(subject);
        ArgumentNullException.ThrowIfNull(decide);
        return EnqueueAsync(subject, decide, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask AttachAsync(ILedgerProjection projection, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(projection);
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_projections.Any(p => ReferenceEquals(p.Projection, projection)))
            {
                return;
            }

            long end = (await ReadNewAsync(cancellationToken).ConfigureAwait(false)).Entries;
            long next = projection is ISnapshotProjection saved ? await LoadSnapshotAsync(saved, cancellationToken).ConfigureAwait(false) : 0;
            await foreach (LedgerEntry entry in StreamAsync(next, end, cancellationToken).ConfigureAwait(false))
            {
                projection.Apply(entry);
            }

            _projections.Add(new AttachedProjection(projection) { Next = end });
            Remember(projection as ISnapshotProjection, folded: end - next);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Closes the ledger: appends that wait are written first, followers end.</summary>
    /// <returns>A task that ends when the last commit is durable.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        _requests.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await FoldingAsync().ConfigureAwait(false);
        _stop.Dispose();
        _reading.Dispose();
        _proving.Dispose();
    }

    private double NextJitter()
    {
        lock (_jitter)
        {
            return _jitter.NextDouble();
        }
    }

    [LoggerMessage(1001, LogLevel.Warning, "The ledger in {Store} could not be looked at; trying again.")]
    private partial void LogPollFailed(string store, Exception error);

    [LoggerMessage(1002, LogLevel.Warning, "The outcome of commit {Commit} in {Store} is not known; reading it back.")]
    private partial void LogOutcomeUnknown(long commit, string store, Exception error);

    [LoggerMessage(1005, LogLevel.Warning, "Commit {Commit} in {Store} does not read; looking once more.")]
    private partial void LogLookAgain(long commit, string store, Exception error);

    [LoggerMessage(1003, LogLevel.Error, "The view {Projection} cannot take entry {Entry} ('{Kind}') in; nothing is appended until it can.")]
    private partial void LogProjectionFailed(string projection, long entry, string kind, Exception error);

    [LoggerMessage(1006, LogLevel.Warning, "Folding commits of the ledger in {Store} failed; it is tried again later and nothing is lost.")]
    private partial void LogFoldFailed(string store, Exception error);

    [LoggerMessage(1007, LogLevel.Error, "'{Key}' in {Store} is not what was written; going on without it.")]
    private partial void LogDamaged(ObjectKey key, string store, Exception error);

    [LoggerMessage(1008, LogLevel.Warning, "Commit {Commit} in {Store} was written after a pause of more than half the fold grace, and its number had been folded away meanwhile. It was taken back and is decided again.")]
    private partial void LogWrittenTooLate(long commit, string store);

    [LoggerMessage(1004, LogLevel.Error, "Appending to the ledger in {Store} failed; whoever waited is told.")]
    private partial void LogWriteFailed(string store, Exception error);

    /// <summary>A projection and how far it is.</summary>
    private sealed class AttachedProjection(ILedgerProjection projection)
    {
        internal ILedgerProjection Projection => projection;

        /// <summary>Gets or sets the number of the next entry it is to be given.</summary>
        internal long Next { get; set; }

        /// <summary>Gets or sets what it threw at that entry, or null.</summary>
        internal Exception? Problem { get; set; }
    }
}
