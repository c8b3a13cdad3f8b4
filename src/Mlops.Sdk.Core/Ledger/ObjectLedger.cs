using System.Runtime.CompilerServices;
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
    private readonly List<ILedgerProjection> _projections = [];
    private readonly List<ILedgerGuard> _guards = [];
    private readonly Dictionary<string, LedgerEntry> _byId = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _jitter;
    private Task _writer = Task.CompletedTask;
    private int _disposed;
    private readonly List<LedgerEntry> _entries = [];
    private LedgerHead _head;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ObjectLedger(IObjectStore store, LedgerOptions options, TimeProvider time, IIdGenerator ids, IActorAccessor actors, ILogger logger)
    {
        (_store, _options, _time, _ids, _actors, _logger) = (store, options, time, ids, actors, logger);
        _source = $"{options.Host}/{Environment.ProcessId}/{typeof(ObjectLedger).Assembly.GetName().Version?.ToString(3)}";
        _jitter = new Random(HashCode.Combine(_source, time.GetTimestamp()));
    }

    /// <inheritdoc/>
    public LedgerHead Head
    {
        get
        {
            lock (_byId)
            {
                return _head;
            }
        }
    }

    /// <summary>Opens the ledger of a store: reads and checks every commit.</summary>
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
    public async ValueTask<LedgerHead> RefreshAsync(CancellationToken cancellationToken = default)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ReadNewAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask AttachAsync(ILedgerProjection projection, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(projection);
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_projections.Contains(projection))
            {
                return;
            }

            await ReadNewAsync(cancellationToken).ConfigureAwait(false);
            foreach (LedgerEntry entry in _entries)
            {
                projection.Apply(entry);
            }

            _projections.Add(projection);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerEntry> ReadAsync(long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await RefreshAsync(cancellationToken).ConfigureAwait(false);
        foreach (LedgerEntry entry in Known(from))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerEntry> FollowAsync(long from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        long next = from;
        while (true)
        {
            Task news = Volatile.Read(ref _news).Task; // taken before the look, so that what comes in between is not slept over
            foreach (LedgerEntry entry in Known(next))
            {
                next = entry.Number + 1;
                yield return entry;
            }

            if (Head.Entries > next)
            {
                continue;
            }

            TimeSpan wait = _options.PollInterval * (1 + (NextJitter() / 10));
            using (var timer = CancellationTokenSource.CreateLinkedTokenSource(linked.Token))
            {
                await Task.WhenAny(news, Task.Delay(wait, _time, timer.Token)).ConfigureAwait(false);
                await timer.CancelAsync().ConfigureAwait(false);
            }

            linked.Token.ThrowIfCancellationRequested();
            try
            {
                await RefreshAsync(linked.Token).ConfigureAwait(false);
            }
            catch (ObjectDisposedException closed) when (_stop.IsCancellationRequested)
            {
                throw new OperationCanceledException("The ledger was closed.", closed);
            }
            catch (MlopsStorageException error)
            {
                LogPollFailed(_store.Description, error); // the medium is away for now: the next poll tries again
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default)
    {
        LedgerHead expected = Head;
        LedgerHead proven = default;
        while (true)
        {
            byte[]? bytes = await ReadCommitAsync(proven.Commits, cancellationToken).ConfigureAwait(false);
            if (bytes is null)
            {
                return await EndOfVerificationAsync(proven, expected, cancellationToken).ConfigureAwait(false);
            }

            try
            {
                (IReadOnlyList<LedgerEntry> entries, Digest hash) = CommitCodec.Decode(bytes, proven.Commits, proven);
                proven = new LedgerHead(proven.Commits + 1, proven.Entries + entries.Count, hash);
            }
            catch (FormatException problem)
            {
                return new LedgerVerification(false, proven, proven.Commits, proven.Entries, $"Commit {proven.Commits} of the {_store.Description} is not what was written: {problem.Message}.");
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _requests.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        _stop.Dispose();
        _reading.Dispose();
    }

    private static ObjectKey KeyOf(long commit) => ObjectKey.Parse($"{LedgerKeys.Commits}{commit:D12}");

    private async ValueTask<LedgerVerification> EndOfVerificationAsync(LedgerHead proven, LedgerHead expected, CancellationToken cancellationToken)
    {
        await foreach (ObjectInfo later in _store.ListAsync(LedgerKeys.Commits, KeyOf(proven.Commits).Value, cancellationToken).ConfigureAwait(false))
        {
            return new LedgerVerification(false, proven, proven.Commits, proven.Entries, $"Commit {proven.Commits} is missing and a later one, '{later.Key}', is there.");
        }

        return proven.Commits < expected.Commits
            ? new LedgerVerification(false, proven, proven.Commits, proven.Entries, $"The ledger ends at commit {proven.Commits}; this process has seen {expected.Commits}. The tail was cut off.")
            : new LedgerVerification(true, proven);
    }

    private async ValueTask<byte[]?> ReadCommitAsync(long number, CancellationToken cancellationToken)
    {
        Stream? stream = await _store.OpenAsync(KeyOf(number), null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            return await BoundedReading.ReadAllAsync(stream, CommitCodec.MaxCommitBytes, cancellationToken).ConfigureAwait(false)
                ?? throw new MlopsIntegrityException("ledger.corrupt", $"Commit {number} of the {_store.Description} has more than {CommitCodec.MaxCommitBytes} bytes. It was not written by this library; restore it from a copy.");
        }
    }

    private LedgerEntry[] Known(long from)
    {
        lock (_byId)
        {
            return from >= _entries.Count ? [] : _entries.GetRange((int)from, _entries.Count - (int)from).ToArray();
        }
    }

    private double NextJitter()
    {
        lock (_jitter)
        {
            return _jitter.NextDouble();
        }
    }

    /// <summary>Reads commits from the head on, feeds projections. The caller holds <see cref="_reading"/>.</summary>
    private async ValueTask<LedgerHead> ReadNewAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            LedgerHead head = Head;
            byte[]? bytes = await ReadCommitAsync(head.Commits, cancellationToken).ConfigureAwait(false);
            if (bytes is null)
            {
                return head;
            }

            try
            {
                (IReadOnlyList<LedgerEntry> entries, Digest hash) = CommitCodec.Decode(bytes, head.Commits, head);
                TakeIn(entries, new LedgerHead(head.Commits + 1, head.Entries + entries.Count, hash));
            }
            catch (FormatException problem)
            {
                throw new MlopsIntegrityException("ledger.corrupt", $"Commit {head.Commits} of the {_store.Description} is not what was written: {problem.Message}. Entries before {head.Entries} are good. Restore '{KeyOf(head.Commits)}' from a copy.", problem);
            }
        }
    }

    private void TakeIn(IReadOnlyList<LedgerEntry> entries, LedgerHead head)
    {
        lock (_byId)
        {
            foreach (LedgerEntry entry in entries)
            {
                _entries.Add(entry);
                _byId.TryAdd(entry.Id, entry);
            }

            _head = head;
        }

        foreach (ILedgerProjection projection in _projections)
        {
            foreach (LedgerEntry entry in entries)
            {
                projection.Apply(entry);
            }
        }

        Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    [LoggerMessage(1001, LogLevel.Warning, "The ledger in {Store} could not be looked at; followers try again.")]
    private partial void LogPollFailed(string store, Exception error);

    [LoggerMessage(1002, LogLevel.Warning, "The outcome of commit {Commit} in {Store} is not known; reading it back.")]
    private partial void LogOutcomeUnknown(long commit, string store, Exception error);
}
