using System.Runtime.CompilerServices;
using Microsoft.ML;

namespace Mlops.Sdk.MLNet;

/// <summary>
/// Stops a running fit. ML.NET has no public way, and none of the ways works for every trainer, so three are used at once: the host's cancel
/// call, repeated because it reaches only what runs at that moment; an exception from the log event; and one from the data cursor.
/// </summary>
internal static class CancellableFit
{
    private static readonly TimeSpan Repeat = TimeSpan.FromMilliseconds(25);

    /// <summary>Fits an estimator.</summary>
    /// <param name="context">The context that the estimator was made with; used for this run only.</param>
    /// <param name="estimator">The estimator.</param>
    /// <param name="data">The rows; their cursor watches the token too.</param>
    /// <param name="cancellationToken">Stops the fit.</param>
    /// <exception cref="OperationCanceledException">The token was set, whatever ML.NET threw because of it.</exception>
    internal static ITransformer Fit(MLContext context, IEstimator<ITransformer> estimator, IDataView data, CancellationToken cancellationToken)
    {
        void OnLog(object? sender, LoggingEventArgs message) => cancellationToken.ThrowIfCancellationRequested();

        cancellationToken.ThrowIfCancellationRequested();
        context.Log += OnLog;
        ITimer? timer = null;

        // always by the real clock: a still one in a test would leave the trainer running
        CancellationTokenRegistration registration = cancellationToken.Register(() =>
            timer = TimeProvider.System.CreateTimer(_ => Cancel(context), null, TimeSpan.Zero, Repeat));
        try
        {
            ITransformer model = estimator.Fit(data);
            cancellationToken.ThrowIfCancellationRequested();
            return model;
        }
        catch (Exception error) when (cancellationToken.IsCancellationRequested && error is not OperationCanceledException)
        {
            throw new OperationCanceledException("Training was cancelled.", error, cancellationToken);
        }
        finally
        {
            registration.Dispose();
            timer?.Dispose();
            context.Log -= OnLog;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "CancelExecution")]
    private static extern void Cancel(MLContext context);
}
