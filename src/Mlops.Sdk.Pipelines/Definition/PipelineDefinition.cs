namespace Mlops.Sdk.Pipelines;

/// <summary>A pipeline by name, whatever its rows. Derive from <see cref="PipelineDefinition{T}"/>.</summary>
public abstract class PipelineDefinition
{
    private protected PipelineDefinition(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    /// <summary>Gets the pipeline's name, which is the name of the model it makes and of the experiment its runs belong to.</summary>
    public string Name { get; }

    internal abstract Task<PipelineRun> RunOnAsync(PipelineRunner runner, PipelineRunOptions options, IProgress<StepEvent>? progress, CancellationToken cancellationToken);
}

/// <summary>From raw rows to a gated version of one model: the same class runs in a console, a test, a worker and a web host.</summary>
/// <typeparam name="T">The row: a plain record.</typeparam>
public abstract class PipelineDefinition<T> : PipelineDefinition
{
    /// <summary>Names the pipeline.</summary>
    /// <param name="name">The name of the pipeline and of the model: 1 to 128 letters, digits, <c>-</c>, <c>_</c> or <c>.</c></param>
    protected PipelineDefinition(string name)
        : base(name)
    {
    }

    /// <summary>Says what the pipeline does, in order. Must do no work itself: it is called once per run, before any data is read.</summary>
    /// <param name="p">The builder to start from.</param>
    protected abstract void Configure(PipelineBuilder<T> p);

    internal PipelinePlan<T> Plan()
    {
        var plan = new PipelinePlan<T>();
        Configure(new PipelineBuilder<T>(plan));
        return plan.Complete
            ? plan
            : throw new MlopsException("pipeline.incomplete", $"The pipeline '{Name}' does not end with Register(). Chain Extract, Validate, a split, a task, Evaluate, Gate and Register.");
    }

    internal override Task<PipelineRun> RunOnAsync(PipelineRunner runner, PipelineRunOptions options, IProgress<StepEvent>? progress, CancellationToken cancellationToken) =>
        runner.RunAsync(this, options, progress, cancellationToken);
}
