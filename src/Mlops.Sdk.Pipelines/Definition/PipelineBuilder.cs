using System.Linq.Expressions;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>The start of a pipeline. Each stage offers only what may come next, so a gate before an evaluation, or a fit before a split, does not compile.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class PipelineBuilder<T>
{
    private readonly PipelinePlan<T> _plan;

    internal PipelineBuilder(PipelinePlan<T> plan) => _plan = plan;

    /// <summary>States what the model is for and how success is measured. A version that misses a criterion is rejected.</summary>
    /// <param name="statement">The goal in words.</param>
    /// <param name="criteria">The criteria.</param>
    /// <returns>The same stage.</returns>
    public PipelineBuilder<T> Goal(string statement, Action<GoalBuilder> criteria)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(statement);
        ArgumentNullException.ThrowIfNull(criteria);
        _plan.Goal = statement;
        criteria(new GoalBuilder(_plan.GoalCriteria));
        return this;
    }

    /// <summary>Says where the rows come from.</summary>
    /// <param name="source">The source.</param>
    /// <returns>The next stage.</returns>
    public ExtractedStage<T> Extract(IDataSource<T> source)
    {
        ArgumentNullException.ThrowIfNull(source);
        _plan.Source = source;
        return new ExtractedStage<T>(_plan);
    }
}

/// <summary>Builds the criteria of a goal.</summary>
public sealed class GoalBuilder
{
    private readonly List<MetricLimit> _criteria;

    internal GoalBuilder(List<MetricLimit> criteria) => _criteria = criteria;

    /// <summary>Demands a metric on the test rows.</summary>
    /// <param name="metric">Its standard name, one where more is better: <c>auc</c>, <c>accuracy</c>, <c>precision</c>, <c>recall</c>, <c>f1</c> or <c>r2</c>.</param>
    /// <param name="minimum">The least value.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="MlopsException">There is no such metric; code <c>pipeline.unknown_metric</c>.</exception>
    public GoalBuilder AtLeast(string metric, double minimum)
    {
        _criteria.Add(new MetricLimit(metric, minimum, isMinimum: true));
        return this;
    }

    /// <summary>Demands a metric on the test rows.</summary>
    /// <param name="metric">Its standard name, one where less is better: <c>logLoss</c>, <c>brier</c>, <c>mae</c> or <c>rmse</c>.</param>
    /// <param name="maximum">The most.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="MlopsException">There is no such metric; code <c>pipeline.unknown_metric</c>.</exception>
    public GoalBuilder AtMost(string metric, double maximum)
    {
        _criteria.Add(new MetricLimit(metric, maximum, isMinimum: false));
        return this;
    }
}

/// <summary>Rows are there: check and split them.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class ExtractedStage<T>
{
    private readonly PipelinePlan<T> _plan;

    internal ExtractedStage(PipelinePlan<T> plan) => _plan = plan;

    /// <summary>Says what rows must be.</summary>
    /// <param name="contract">Builds the contract.</param>
    /// <returns>The same stage.</returns>
    public ExtractedStage<T> Validate(Action<DataContractBuilder<T>> contract)
    {
        ArgumentNullException.ThrowIfNull(contract);
        var builder = new DataContractBuilder<T>();
        contract(builder);
        _plan.Contract = builder.Build();
        return this;
    }

    /// <summary>Tests on the last share of rows in time, so that the test looks like the future.</summary>
    /// <param name="time">The time column.</param>
    /// <param name="test">The share of test rows, in (0, 1).</param>
    /// <returns>The next stage.</returns>
    public SplitStage<T> SplitByTime(Expression<Func<T, object?>> time, double test = 0.2)
    {
        CheckShare(test);
        (_plan.SplitTime, _plan.TestShare) = (MemberName.Of(time), test);
        return new SplitStage<T>(_plan);
    }

    /// <summary>Tests on a random share of rows, chosen by a hash: the same rows whatever their order.</summary>
    /// <param name="test">The share of test rows, in (0, 1).</param>
    /// <param name="by">A key whose rows stay together, such as the customer; null for each row by itself.</param>
    /// <returns>The next stage.</returns>
    public SplitStage<T> Split(double test = 0.2, Func<T, string>? by = null)
    {
        CheckShare(test);
        (_plan.SplitKey, _plan.TestShare) = (by, test);
        return new SplitStage<T>(_plan);
    }

    private static void CheckShare(double test)
    {
        if (!(test > 0 && test < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(test), test, "The share of test rows is between 0 and 1, both excluded.");
        }
    }
}

/// <summary>Rows are split: say what is to be learned.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class SplitStage<T>
{
    private readonly PipelinePlan<T> _plan;

    internal SplitStage(PipelinePlan<T> plan) => _plan = plan;

    /// <summary>Learns a yes or no.</summary>
    /// <param name="label">The answer, made of the row's members, as in <c>s =&gt; s.Damage != "None"</c>. The members it reads are never features.</param>
    /// <param name="training">Features and candidates.</param>
    /// <param name="name">The label's name in schemas and answers.</param>
    /// <returns>The next stage.</returns>
    public TrainedStage<T> Binary(Expression<Func<T, bool>> label, Action<TrainingBuilder<T>> training, string name = ModelOutputs.PredictedLabel)
    {
        ArgumentNullException.ThrowIfNull(label);
        _plan.BinaryLabel = label.Compile();
        return Train(ModelTask.Binary, label, training, name);
    }

    /// <summary>Learns a number.</summary>
    /// <param name="label">The number, made of the row's members, as in <c>t =&gt; t.Fare</c>. The members it reads are never features.</param>
    /// <param name="training">Features and candidates.</param>
    /// <returns>The next stage.</returns>
    public TrainedStage<T> Regression(Expression<Func<T, float>> label, Action<TrainingBuilder<T>> training)
    {
        ArgumentNullException.ThrowIfNull(label);
        _plan.NumberLabel = label.Compile();
        return Train(ModelTask.Regression, label, training, ModelOutputs.Score);
    }

    private TrainedStage<T> Train(ModelTask task, LambdaExpression label, Action<TrainingBuilder<T>> training, string name)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (_plan.Task, _plan.LabelName) = (task, name);
        _plan.LabelColumns.UnionWith(LabelMembers.In(label));
        training(new TrainingBuilder<T>(_plan));
        return _plan.Candidates.Count > 0
            ? new TrainedStage<T>(_plan)
            : throw new MlopsException("pipeline.incomplete", "The pipeline has no candidate to train. Add one with Candidate(\"trees\", new FastTreeOptions()).");
    }
}

/// <summary>Says what is trained on what.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class TrainingBuilder<T>
{
    private readonly PipelinePlan<T> _plan;

    internal TrainingBuilder(PipelinePlan<T> plan) => _plan = plan;

    /// <summary>Trains on these columns only. Without this call, on all but the label's and the dates.</summary>
    /// <param name="columns">The columns.</param>
    /// <returns>The same builder.</returns>
    public TrainingBuilder<T> Features(params Expression<Func<T, object?>>[] columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        _plan.OnlyColumns ??= new HashSet<string>(StringComparer.Ordinal);
        _plan.OnlyColumns.UnionWith(columns.Select(c => MemberName.Of(c)));
        return this;
    }

    /// <summary>Leaves columns out.</summary>
    /// <param name="columns">The columns.</param>
    /// <returns>The same builder.</returns>
    public TrainingBuilder<T> Without(params Expression<Func<T, object?>>[] columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        _plan.WithoutColumns.UnionWith(columns.Select(c => MemberName.Of(c)));
        return this;
    }

    /// <summary>Adds a part of a date as a feature, such as the month.</summary>
    /// <param name="date">The date column.</param>
    /// <param name="part">The part.</param>
    /// <returns>The same builder.</returns>
    public TrainingBuilder<T> DatePart(Expression<Func<T, object?>> date, DatePart part)
    {
        _plan.DateParts.Add((MemberName.Of(date), part));
        return this;
    }

    /// <summary>Adds a candidate: candidates are trained side by side and the best one on validation rows goes on.</summary>
    /// <param name="name">Its name on the leaderboard.</param>
    /// <param name="options">What to train and how.</param>
    /// <returns>The same builder.</returns>
    public TrainingBuilder<T> Candidate(string name, CandidateOptions options)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(options);
        if (_plan.Candidates.Exists(c => c.Name == name))
        {
            throw new MlopsException("pipeline.candidate_twice", $"Two candidates are named '{name}'. Give each its own name.");
        }

        _plan.Candidates.Add((name, options));
        return this;
    }
}

/// <summary>Candidates are trained: evaluate the best.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class TrainedStage<T>
{
    private readonly PipelinePlan<T> _plan;

    internal TrainedStage(PipelinePlan<T> plan) => _plan = plan;

    /// <summary>Evaluates the best candidate once on the test rows.</summary>
    /// <param name="slices">Columns whose values are evaluated one by one; the worst is named.</param>
    /// <returns>The next stage.</returns>
    public EvaluatedStage<T> Evaluate(params Expression<Func<T, object?>>[] slices)
    {
        ArgumentNullException.ThrowIfNull(slices);
        _plan.Slices.AddRange(slices.Select(s => MemberName.Of(s)));
        return new EvaluatedStage<T>(_plan);
    }
}

/// <summary>The best candidate is evaluated: decide whether it is good enough.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class EvaluatedStage<T>
{
    private readonly PipelinePlan<T> _plan;

    internal EvaluatedStage(PipelinePlan<T> plan) => _plan = plan;

    /// <summary>Says what a version must be to be promoted. One that is not is kept as evidence and rejected.</summary>
    /// <param name="rules">The rules.</param>
    /// <returns>The next stage.</returns>
    public GatedStage<T> Gate(Action<GateBuilder> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        rules(new GateBuilder(_plan.Gates));
        return new GatedStage<T>(_plan);
    }
}

/// <summary>The gate is set: register the version.</summary>
/// <typeparam name="T">The row.</typeparam>
public sealed class GatedStage<T>
{
    private readonly PipelinePlan<T> _plan;

    internal GatedStage(PipelinePlan<T> plan) => _plan = plan;

    /// <summary>Ends the pipeline: the version, its run and all evidence are registered in one commit.</summary>
    public void Register() => _plan.Complete = true;
}
