namespace Mlops.Sdk;

/// <summary>Answers for one model. Any number of threads may call it at once; a new version is swapped in between two calls, never within one.</summary>
/// <typeparam name="TIn">The row: a plain record.</typeparam>
/// <typeparam name="TOut">The answer: a plain record whose members are named after the model's outputs.</typeparam>
public interface IPredictor<TIn, TOut>
{
    /// <summary>Answers one row.</summary>
    /// <param name="row">The row.</param>
    /// <returns>The answer and the version that gave it.</returns>
    /// <exception cref="MlopsModelException">No version is in service; code <c>serving.not_ready</c>.</exception>
    Prediction<TOut> Predict(TIn row);

    /// <summary>Answers one row of which the caller says more: its own id for it, so that the truth can be joined later, who asks, and by which way.</summary>
    /// <param name="row">The row.</param>
    /// <param name="context">What the caller says.</param>
    /// <returns>The answer and the version that gave it.</returns>
    /// <exception cref="MlopsModelException">No version is in service; code <c>serving.not_ready</c>.</exception>
    Prediction<TOut> Predict(TIn row, in PredictionContext context);

    /// <summary>Answers many rows, all by the same version.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="answers">Where the answers go, shape [rows].</param>
    /// <returns>The number of the version that gave them.</returns>
    /// <exception cref="ArgumentException">There is not room for all answers.</exception>
    int Predict(ReadOnlySpan<TIn> rows, Span<TOut> answers);
}

/// <summary>An answer and where it came from.</summary>
/// <typeparam name="TOut">The answer's type.</typeparam>
/// <param name="Value">The answer.</param>
/// <param name="Version">The number of the version that gave it.</param>
public readonly record struct Prediction<TOut>(TOut Value, int Version);

/// <summary>Sees every prediction on the hot path: must be thread-safe, quick and free of allocation, and must not throw.</summary>
public interface IPredictionObserver
{
    /// <summary>Gets ready for a version that is about to go into service: the place for slow work, such as reading one of its files.</summary>
    /// <param name="version">The version.</param>
    /// <param name="manifest">Its manifest, verified.</param>
    /// <param name="artifacts">Where its files are.</param>
    /// <param name="cancellationToken">Stops the preparation.</param>
    /// <returns>A task that ends when the observer is ready; only then does the version go into service. A failure is logged and does not keep it out.</returns>
    ValueTask PrepareAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    /// <summary>Tells that a version of a model went into service in this process. Called before the first prediction of it.</summary>
    /// <param name="version">The version.</param>
    /// <param name="manifest">Its manifest.</param>
    void OnVersionActivated(ModelVersion version, ModelManifest manifest);

    /// <summary>Takes in one prediction.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version that answered.</param>
    /// <param name="row">The row as the model saw it.</param>
    /// <param name="outputs">The outputs, in the schema's order.</param>
    void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs);

    /// <summary>Takes in one prediction and what its caller said.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version that answered.</param>
    /// <param name="row">The row as the model saw it.</param>
    /// <param name="outputs">The outputs, in the schema's order.</param>
    /// <param name="context">What the caller said; empty for the rows of a batch.</param>
    void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs, in PredictionContext context) => OnPredicted(model, version, row, outputs);

    /// <summary>Gets whether <see cref="OnCalled"/> is to be called: calls are timed only then. Asked once.</summary>
    bool ObservesCalls => false;

    /// <summary>Takes in one call as a whole, of one row or a batch, answered or not, after its rows.</summary>
    /// <param name="call">The call.</param>
    void OnCalled(in PredictionCall call)
    {
    }
}
