using System.Diagnostics;

namespace Mlops.Sdk.Serving;

/// <content>The worker: finds the target, loads it aside, swaps it in, or says why not and tries again later.</content>
internal sealed partial class ServedModel
{
    private const int MostSuperseded = 3;
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private async Task WorkAsync()
    {
        while (true)
        {
            TaskCompletionSource round;
            bool insist;
            lock (_gate)
            {
                if (_next is null || _stopped)
                {
                    _next?.TrySetResult();
                    _next = null;
                    _running = false;
                    return;
                }

                round = _next;
                _next = null;
                insist = _insist;
                _insist = false;
            }

            Task noted = Task.CompletedTask;
            try
            {
                noted = await RoundAsync(insist, _stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // stopping: the loop ends at its head
            }

            _started = true;
            _ = FinishAsync(round, noted);
        }
    }

    /// <summary>Ends a round once its entries are written or have been tried, without holding the next one up.</summary>
    private static async Task FinishAsync(TaskCompletionSource round, Task noted)
    {
        await noted.ConfigureAwait(false);
        round.TrySetResult();
    }

    private async Task<Task> RoundAsync(bool insist, CancellationToken cancellationToken)
    {
        ModelVersion? target = null;
        try
        {
            target = await FindTargetAsync(cancellationToken).ConfigureAwait(false);
            if (target is null)
            {
                return Missing();
            }

            if (Current is { } live && live.Number == target.Number)
            {
                Settle();
                return Task.CompletedTask;
            }

            lock (_gate)
            {
                if (!insist && _attempt > 0 && _problem?.Version == target.Number)
                {
                    return Task.CompletedTask;
                }

                _loading = true;
            }

            _reason = await FindReasonAsync(target, cancellationToken).ConfigureAwait(false);
            LiveVersion next = await LoadAsync(target, cancellationToken).ConfigureAwait(false);
            return await SupersededAsync(next, cancellationToken).ConfigureAwait(false) ? Drop(next) : Swap(next, cancellationToken);
        }
        catch (Exception e) when (!(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            return Refuse(target, e);
        }
        finally
        {
            lock (_gate)
            {
                _loading = false;
            }
        }
    }

    private async ValueTask<ModelVersion?> FindTargetAsync(CancellationToken cancellationToken) => Pinned is { } pinned
        ? await _context.Loader.Catalog.FindVersionAsync(Name, pinned, cancellationToken).ConfigureAwait(false)
        : await _context.Loader.Catalog.FindAliasAsync(Name, Alias!, cancellationToken).ConfigureAwait(false);

    /// <summary>Finds why the target is the target: what the alias was moved for, or that this process begins to serve it.</summary>
    private async ValueTask<string> FindReasonAsync(ModelVersion target, CancellationToken cancellationToken)
    {
        string why = Target;
        if (Alias is not null)
        {
            IReadOnlyList<AliasMove> moves = await _context.Loader.Catalog.AliasHistoryAsync(Name, Alias, cancellationToken).ConfigureAwait(false);
            why = moves.LastOrDefault(m => m.To == target.Number)?.Reason ?? why;
        }

        return _started ? why : $"the host started; {why}";
    }

    private async Task<LiveVersion> LoadAsync(ModelVersion target, CancellationToken cancellationToken)
    {
        using Activity? activity = ServingMetrics.Source.StartActivity("serving.load");
        activity?.SetTag(MlopsDiagnostics.ModelTag, Name).SetTag(MlopsDiagnostics.VersionTag, target.Number);
        return await _context.Loader.LoadAsync(target, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tells whether the target has moved on meanwhile; not for ever, so that endless moves cannot starve the model.</summary>
    private async ValueTask<bool> SupersededAsync(LiveVersion next, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_next is null || _superseded >= MostSuperseded)
            {
                _superseded = 0;
                return false;
            }
        }

        ModelVersion? target;
        try
        {
            target = await FindTargetAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            next.Retire();
            throw;
        }

        _superseded = target?.Number == next.Number ? 0 : _superseded + 1;
        return _superseded > 0;
    }

    private static Task Drop(LiveVersion next)
    {
        next.Retire();
        return Task.CompletedTask;
    }

    private Task Swap(LiveVersion next, CancellationToken cancellationToken)
    {
        LiveVersion? previous;
        try
        {
            int activated = 0;
            while (true)
            {
                View[] views;
                lock (_gate)
                {
                    views = [.. _views];
                }

                // the same shape as before: its bindings are compiled and warm already
                object[] known = Current is { } live && SameShape(live.Model.Schema, next.Model.Schema) ? live.Bindings : [];
                next.Bindings = [.. views.Select((view, i) => i < known.Length && known[i] is not UnfitBinding ? known[i] : TryBind(view, next, check: true)!)];
                if (activated++ == 0)
                {
                    _context.Observers.Activated(next.Version, next.Manifest);
                }

                lock (_gate)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (_views.Count != views.Length)
                    {
                        continue;
                    }

                    previous = Interlocked.Exchange(ref _current, next);
                    Settle();
                    break;
                }
            }
        }
        catch
        {
            next.Retire();
            throw;
        }

        _context.Metrics.Reloaded(Name, "ok");
        _context.Logger.InService(Name, Target, next.Number, next.Scorer, previous?.Number, _reason);
        Task noted = _context.SwappedAsync(previous, next, _reason);
        previous?.Retire();
        return noted;
    }

    private static bool SameShape(ModelSchema left, ModelSchema right) =>
        left.Task == right.Task
        && left.Label == right.Label
        && left.Outputs.SequenceEqual(right.Outputs, StringComparer.Ordinal)
        && left.Inputs.Select(i => (i.Name, i.Kind, i.Source, i.Part)).SequenceEqual(right.Inputs.Select(i => (i.Name, i.Kind, i.Source, i.Part)));

    private static object? TryBind(View view, LiveVersion version, bool check)
    {
        try
        {
            return view.Bind(version.Model.Schema);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return check
                ? throw new MlopsModelException("serving.wrong_columns", $"{version.Version} does not fit {view.Describe()}: {e.Message}", e)
                : new UnfitBinding(e);
        }
    }

    /// <summary>The target is in service: nothing is wrong any more.</summary>
    private void Settle()
    {
        lock (_gate)
        {
            _problem = null;
            _loading = false;
            _attempt = 0;
            _retry?.Dispose();
            _retry = null;
        }
    }

    private Task Missing()
    {
        bool first;
        lock (_gate)
        {
            first = _problem is null;
            _problem = new ServingProblem(
                Pinned,
                Pinned is null ? "registry.alias_not_set" : "registry.version_not_found",
                Pinned is null ? $"the alias '{Alias}' names no version" : $"version {Pinned} is not registered",
                _context.Time.GetUtcNow());
        }

        if (first)
        {
            _context.Logger.NoVersion(Name, Target);
        }

        return Task.CompletedTask;
    }

    private Task Refuse(ModelVersion? target, Exception problem)
    {
        string code = (problem as MlopsException)?.Code ?? (target is null ? "serving.catalog_failed" : "serving.load_failed");
        bool known;
        int? live;
        lock (_gate)
        {
            // tried again and failed again: the ledger has it already
            known = _attempt > 0 && _problem is { } before && before.Version == target?.Number && before.Code == code;
            _problem = new ServingProblem(target?.Number, code, problem.Message, _context.Time.GetUtcNow());
            _attempt = known ? _attempt + 1 : 1;
            live = _current?.Number;
            if (!_stopped)
            {
                TimeSpan wait = FirstWait * Math.Pow(2, Math.Min(_attempt - 1, 16));
                _retry?.Dispose();
                _retry = _context.Time.CreateTimer(
                    static state => _ = ((ServedModel)state!).UpdateAsync(insist: true),
                    this,
                    wait < LongestWait ? wait : LongestWait,
                    Timeout.InfiniteTimeSpan);
            }
        }

        _context.Metrics.Reloaded(Name, code);
        if (known)
        {
            return Task.CompletedTask;
        }

        _context.Logger.Refused(Name, Target, target?.Number, code, live, problem.Message, problem);
        return target is null
            ? Task.CompletedTask
            : _context.Deployments.AddAsync(_context.Deployments.Draft(LedgerKinds.DeploymentFailed, target, _reason, problem: $"[{code}] {problem.Message}"));
    }
}
