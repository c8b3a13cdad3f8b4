namespace Mlops.Sdk.Registry;

/// <content>Runs that several calls without a handle share.</content>
public sealed partial class RunTracker
{
    private async ValueTask<OpenRun> TakeAsync(string runId, CancellationToken cancellationToken)
    {
        TrackedRun? idle = null;
        OpenRun? taken;
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_open.TryGetValue(runId, out taken))
            {
                taken = new OpenRun(await OpenAsync(runId, cancellationToken).ConfigureAwait(false));
                if (_open.Count >= MaxOpenRuns && _open.Where(o => Volatile.Read(ref o.Value.Users) == 0).OrderBy(o => o.Value.Used).FirstOrDefault() is { Key: { } oldest } found)
                {
                    _open.Remove(oldest);
                    idle = found.Value.Run;
                }

                _open.Add(runId, taken);
                Volatile.Write(ref _openCount, _open.Count);
            }

            Interlocked.Increment(ref taken.Users);
            taken.Used = ++_uses;
        }
        finally
        {
            _opening.Release();
        }

        if (idle is not null)
        {
            await idle.DisposeAsync().ConfigureAwait(false);
        }

        return taken;
    }

    /// <summary>Flushes runs that callers without a handle log to, so that this process reads what it wrote.</summary>
    private async ValueTask FlushOpenAsync(string? runId, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _openCount) == 0)
        {
            return;
        }

        List<OpenRun> runs;
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            runs = [.. _open.Where(o => runId is null || o.Key == runId).Select(o => o.Value)];
            runs.ForEach(r => Interlocked.Increment(ref r.Users));
        }
        finally
        {
            _opening.Release();
        }

        try
        {
            foreach (OpenRun run in runs)
            {
                await run.Run.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            runs.ForEach(r => Interlocked.Decrement(ref r.Users));
        }
    }

    /// <summary>A run that several calls without a handle share.</summary>
    private sealed class OpenRun(TrackedRun run)
    {
        internal int Users;

        internal TrackedRun Run => run;

        internal long Used { get; set; }
    }
}
