using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving.Tests;

/// <summary>A ledger in memory: just what serving uses of it.</summary>
internal sealed class FakeLedger(TimeProvider time) : ILedger
{
    private readonly Lock _gate = new();
    private readonly List<LedgerEntry> _entries = [];
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What the next calls throw, while it is set.</summary>
    public Exception? AppendProblem { get; set; }

    /// <summary>What breaks every follower at its next entry, once.</summary>
    public Exception? FollowProblem { get; set; }

    public LedgerHead Head
    {
        get
        {
            lock (_gate)
            {
                return new LedgerHead(_entries.Count, _entries.Count, default);
            }
        }
    }

    public IReadOnlyList<LedgerEntry> Entries
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries];
            }
        }
    }

    public IEnumerable<(string Kind, int Version, string Reason)> Deployments => Entries
        .Where(e => e.Kind.StartsWith("deployment.", StringComparison.Ordinal))
        .Select(e => (e.Kind, LedgerData.Read<DeploymentNote>(e).Version, e.Reason));

    public ValueTask<LedgerReceipt> AppendAsync(IReadOnlyList<LedgerDraft> drafts, CancellationToken cancellationToken = default)
    {
        if (AppendProblem is not null)
        {
            throw AppendProblem;
        }

        lock (_gate)
        {
            List<LedgerEntry> written = [];
            foreach (LedgerDraft draft in drafts)
            {
                var entry = new LedgerEntry
                {
                    Number = _entries.Count,
                    Commit = _entries.Count,
                    Id = draft.Id ?? $"e{_entries.Count}",
                    Kind = draft.Kind,
                    Format = draft.Format,
                    Resource = draft.Resource,
                    Outcome = draft.Outcome,
                    Actor = draft.Actor ?? new Actor("tester"),
                    Reason = draft.Reason,
                    Time = time.GetUtcNow(),
                    Source = "test",
                    Data = draft.Data,
                };
                _entries.Add(entry);
                written.Add(entry);
            }

            _grown.TrySetResult();
            _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return new(new LedgerReceipt(written, new LedgerHead(_entries.Count, _entries.Count, default)));
        }
    }

    public ValueTask<LedgerHead> RefreshAsync(CancellationToken cancellationToken = default) => new(Head);

    public async IAsyncEnumerable<LedgerEntry> FollowAsync(long from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (long next = from; ; next++)
        {
            LedgerEntry? entry = null;
            while (entry is null)
            {
                Task grown;
                lock (_gate)
                {
                    entry = next < _entries.Count ? _entries[(int)next] : null;
                    grown = _grown.Task;
                }

                if (entry is null)
                {
                    await grown.WaitAsync(cancellationToken);
                }
            }

            if (FollowProblem is { } problem)
            {
                FollowProblem = null;
                throw problem;
            }

            yield return entry;
        }
    }

    public ValueTask<LedgerReceipt> AppendAsync(string subject, Func<IReadOnlyList<LedgerDraft>> decide, CancellationToken cancellationToken = default) => AppendAsync(decide(), cancellationToken);

    public ValueTask AttachAsync(ILedgerProjection projection, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IAsyncEnumerable<LedgerEntry> ReadAsync(long from = 0, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<LedgerVerification> VerifyAsync(LedgerCheckpoint? trusted, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<LedgerCheckpoint> CheckpointAsync(long? entries = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<InclusionProof> ProveInclusionAsync(long entry, long? entries = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<ConsistencyProof> ProveConsistencyAsync(long olderEntries, long? entries = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
}
