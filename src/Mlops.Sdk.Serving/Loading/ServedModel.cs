using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>One model as this process serves it: the version in service, the views on it, and the one worker that brings it to its target.</summary>
internal sealed partial class ServedModel : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly ServingContext _context;
    private readonly List<View> _views = [];
    private readonly CancellationToken _stopping;
    private LiveVersion? _current;
    private TaskCompletionSource? _next;
    private Task _worker = Task.CompletedTask;
    private bool _running;
    private bool _insist;
    private bool _loading;
    private bool _stopped;
    private string _reason;
    private bool _started;
    private int _superseded;
    private int _attempt;
    private ServingProblem? _problem;
    private ITimer? _retry;

    internal ServedModel(ServingContext context, string name, ServedModelOptions options, CancellationToken stopping)
    {
        _context = context;
        _stopping = stopping;
        Name = name;
        Pinned = options.Version;
        Alias = options.Version is null ? options.Alias : null;
        Target = Alias ?? $"pinned to v{Pinned}";
        _reason = Target;
    }

    internal string Name { get; }

    internal string? Alias { get; }

    internal int? Pinned { get; }

    /// <summary>Gets the alias or the pin, for messages.</summary>
    internal string Target { get; }

    internal ServingContext Context => _context;

    internal LiveVersion? Current => Volatile.Read(ref _current);

    internal ModelStatus Status
    {
        get
        {
            lock (_gate)
            {
                return new ModelStatus(Name, Alias)
                {
                    Pinned = Pinned,
                    Version = _current?.Number,
                    Digest = _current?.Version.Digest,
                    Scorer = _current?.Scorer,
                    ScorerProblem = _current?.ScorerProblem,
                    Since = _current?.Since,
                    Predictions = _current?.Rows ?? 0,
                    Loading = _loading,
                    Problem = _problem,
                };
            }
        }
    }

    /// <summary>Takes a lease on the version in service. To be given back by one of its Leave methods with the same thread.</summary>
    /// <exception cref="MlopsModelException">No version is in service.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal LiveVersion Enter(int thread)
    {
        while (true)
        {
            LiveVersion live = Volatile.Read(ref _current) ?? throw NotReady();
            live.Enter(thread);
            if (ReferenceEquals(live, Volatile.Read(ref _current)))
            {
                return live;
            }

            live.BackOut(thread);
        }
    }

    /// <summary>Adds a view, or finds the one with the same types.</summary>
    /// <param name="candidate">The view to add.</param>
    /// <param name="check">Whether a live version must fit the view's types.</param>
    internal View AddView(View candidate, bool check)
    {
        while (true)
        {
            LiveVersion? live = Current;
            object? binding = live is null ? null : TryBind(candidate, live, check);
            lock (_gate)
            {
                if (_views.Find(v => v.GetType() == candidate.GetType()) is { } known)
                {
                    return known;
                }

                if (!ReferenceEquals(live, _current))
                {
                    continue;
                }

                candidate.Index = _views.Count;
                _views.Add(candidate);
                if (live is not null)
                {
                    live.Bindings = [.. live.Bindings, binding!];
                    if (binding is UnfitBinding unfit)
                    {
                        _problem = new ServingProblem(live.Number, "serving.wrong_columns", $"{live.Version} does not fit {candidate.Describe()}: {unfit.Why.Message}", _context.Time.GetUtcNow());
                    }
                }

                return candidate;
            }
        }
    }

    /// <summary>Brings the model to its target.</summary>
    /// <param name="insist">Whether to try a version again that was refused. A move on the ledger need not: a timer does.</param>
    /// <returns>A task that ends when a round that began after this call is over, well or not.</returns>
    internal Task UpdateAsync(bool insist = false)
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return Task.CompletedTask;
            }

            _insist |= insist;
            _next ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task round = _next.Task;
            if (!_running)
            {
                _running = true;
                _worker = Background.Run(WorkAsync);
            }

            return round;
        }
    }

    /// <summary>Takes the model out of service for good and waits for its last call. The server has cancelled the loading before.</summary>
    public async ValueTask DisposeAsync()
    {
        Task worker;
        lock (_gate)
        {
            _stopped = true;
            _retry?.Dispose();
            _retry = null;
            worker = _worker;
        }

        try
        {
            await worker.WaitAsync(_context.Patience, _context.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // a loader that does not listen: what it loads is thrown away when it is done
            _context.Logger.LoadHangs(Name, _context.Patience.TotalSeconds);
        }

        LiveVersion? last;
        lock (_gate)
        {
            last = Interlocked.Exchange(ref _current, null);
            _next?.TrySetResult();
            _next = null;
        }

        if (last is not null)
        {
            await _context.TakeOutAsync(last, "the host stopped").ConfigureAwait(false);
            last.Retire();
            try
            {
                await last.Ended.WaitAsync(_context.Patience, _context.Time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                _context.Logger.DrainTimedOut(Name, last.Number, _context.Patience.TotalSeconds);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private MlopsModelException NotReady()
    {
        ModelStatus status = Status;
        string why = _stopped ? "the model server was stopped"
            : status.Problem is { } problem ? problem.Message
            : status.Loading ? "the first version is being loaded"
            : "nothing was loaded yet";
        string what = _stopped ? "Ask a running host."
            : Alias is not null ? $"Promote a version to '{Alias}', or wait for the health check to tell ready."
            : $"Register version {Pinned}, or pin another one.";
        return new MlopsModelException("serving.not_ready", $"No version of model '{Name}' ({Target}) is in service: {why}. {what}");
    }
}

/// <summary>Stands in a live version for a view whose types do not fit it.</summary>
internal sealed class UnfitBinding(Exception why)
{
    internal Exception Why => why;
}
