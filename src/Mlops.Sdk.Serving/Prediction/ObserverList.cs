using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Serving;

/// <summary>Calls the observers. One that breaks its contract and throws never reaches the caller of a prediction.</summary>
internal sealed class ObserverList(IEnumerable<IPredictionObserver> observers, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan BetweenLogs = TimeSpan.FromMinutes(1);

    private readonly IPredictionObserver[] _observers = [.. observers];
    private IPredictionObserver[]? _ofCalls;
    private long _faults;
    private long _nextLog = long.MinValue;

    internal bool IsEmpty => _observers.Length == 0;

    /// <summary>Gets whether calls as a whole are observed, and so timed.</summary>
    internal bool ObserveCalls => OfCalls.Length > 0;

    /// <summary>Gets how often an observer threw.</summary>
    internal long Faults => Volatile.Read(ref _faults);

    internal async ValueTask PrepareAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken)
    {
        foreach (IPredictionObserver observer in _observers)
        {
            try
            {
                await observer.PrepareAsync(version, manifest, artifacts, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
            {
                Fault(observer, e);
            }
        }
    }

    internal void Activated(ModelVersion version, ModelManifest manifest)
    {
        foreach (IPredictionObserver observer in _observers)
        {
            try
            {
                observer.OnVersionActivated(version, manifest);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Fault(observer, e);
            }
        }
    }

    internal void Predicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs, in PredictionContext context)
    {
        foreach (IPredictionObserver observer in _observers)
        {
            try
            {
                observer.OnPredicted(model, version, row, outputs, context);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Fault(observer, e);
            }
        }
    }

    internal void Called(in PredictionCall call)
    {
        foreach (IPredictionObserver observer in OfCalls)
        {
            try
            {
                observer.OnCalled(call);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Fault(observer, e);
            }
        }
    }

    private IPredictionObserver[] OfCalls => _ofCalls ??= [.. _observers.Where(o => o.ObservesCalls)];

    private void Fault(IPredictionObserver observer, Exception e)
    {
        long faults = Interlocked.Increment(ref _faults);
        long now = time.GetTimestamp();
        long next = Volatile.Read(ref _nextLog);
        long then = now + (long)(BetweenLogs.TotalSeconds * time.TimestampFrequency);
        if (now >= next && Interlocked.CompareExchange(ref _nextLog, then, next) == next)
        {
            logger.ObserverFailed(observer.GetType().Name, faults, e);
        }
    }
}
