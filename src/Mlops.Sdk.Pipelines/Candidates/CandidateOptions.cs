using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;

namespace Mlops.Sdk.Pipelines;

/// <summary>What to train and how. Derive a record from it to bring a trainer of your own; its public properties are recorded with the version.</summary>
public abstract record CandidateOptions
{
    /// <summary>Gets whether the trainer wants numbers on one scale, as linear ones do and trees do not.</summary>
    protected internal virtual bool Normalise => false;

    /// <summary>Gets the version of what <see cref="Build"/> does. Raise it when that changes: models in the step cache were made by another version.</summary>
    protected internal virtual int Version => 1;

    /// <summary>Makes the trainer.</summary>
    /// <param name="context">Where and on what it trains.</param>
    /// <returns>The trainer. It uses one thread and the given seed, so that a run can be repeated.</returns>
    protected internal abstract IEstimator<ITransformer> Build(TrainerContext context);

    internal SortedDictionary<string, string> Describe()
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["trainer"] = GetType().Name.Replace("Options", string.Empty, StringComparison.Ordinal) };
        foreach (PropertyInfo property in GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0))
        {
            values[char.ToLowerInvariant(property.Name[0]) + property.Name[1..]] = Text(property.GetValue(this));
        }

        return values;
    }

    private static string Text(object? value) => value is IEnumerable items and not string
        ? string.Join(", ", items.Cast<object?>().Select(Text))
        : Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;

    internal void Check(string candidate)
    {
        var problems = new List<ValidationResult>();
        if (!Validator.TryValidateObject(this, new ValidationContext(this), problems, validateAllProperties: true))
        {
            throw new MlopsException("pipeline.invalid_option", $"Candidate '{candidate}': {string.Join(" ", problems.Select(p => p.ErrorMessage))}");
        }
    }
}

/// <summary>Where and on what a candidate trains.</summary>
/// <param name="Context">The ML.NET context of this candidate alone.</param>
/// <param name="Task">The task.</param>
/// <param name="Features">The name of the feature column.</param>
/// <param name="Label">The name of the label column.</param>
/// <param name="Seed">The candidate's seed.</param>
public sealed record TrainerContext(MLContext Context, ModelTask Task, string Features, string Label, int Seed);

/// <summary>A linear model: by limited-memory BFGS (logistic regression) for yes or no, by stochastic dual coordinate ascent for numbers.</summary>
public sealed record LinearOptions : CandidateOptions
{
    /// <summary>Gets the L2 regularisation.</summary>
    /// <value>From 0 to 1,000. The default is 1.</value>
    [Range(0, 1_000)]
    public float L2 { get; init; } = 1;

    /// <summary>Gets the most passes over the data.</summary>
    /// <value>From 1 to 10,000. The default is 100.</value>
    [Range(1, 10_000)]
    public int MaxIterations { get; init; } = 100;

    /// <inheritdoc/>
    protected internal override bool Normalise => true;

    /// <inheritdoc/>
    protected internal override IEstimator<ITransformer> Build(TrainerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Task == ModelTask.Binary
            ? context.Context.BinaryClassification.Trainers.LbfgsLogisticRegression(new LbfgsLogisticRegressionBinaryTrainer.Options
            {
                LabelColumnName = context.Label,
                FeatureColumnName = context.Features,
                L1Regularization = 0,
                L2Regularization = L2,
                MaximumNumberOfIterations = MaxIterations,
                NumberOfThreads = 1,
            })
            : context.Context.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
            {
                LabelColumnName = context.Label,
                FeatureColumnName = context.Features,
                L2Regularization = Math.Max(L2 * 1e-4f, 1e-7f),
                MaximumNumberOfIterations = MaxIterations,
                NumberOfThreads = 1,
            });
    }
}

/// <summary>Gradient-boosted trees by FastTree.</summary>
public sealed record FastTreeOptions : CandidateOptions
{
    /// <summary>Gets the number of trees.</summary>
    /// <value>From 1 to 10,000. The default is 100.</value>
    [Range(1, 10_000)]
    public int Trees { get; init; } = 100;

    /// <summary>Gets the leaves per tree.</summary>
    /// <value>From 2 to 1,024. The default is 20.</value>
    [Range(2, 1_024)]
    public int Leaves { get; init; } = 20;

    /// <summary>Gets the fewest rows in a leaf.</summary>
    /// <value>From 1 to 100,000. The default is 10.</value>
    [Range(1, 100_000)]
    public int MinRowsPerLeaf { get; init; } = 10;

    /// <summary>Gets the learning rate.</summary>
    /// <value>From 0.001 to 1. The default is 0.1.</value>
    [Range(0.001, 1.0)]
    public double LearningRate { get; init; } = 0.1;

    /// <inheritdoc/>
    protected internal override IEstimator<ITransformer> Build(TrainerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Task == ModelTask.Binary
            ? context.Context.BinaryClassification.Trainers.FastTree(Fill(new FastTreeBinaryTrainer.Options(), context))
            : context.Context.Regression.Trainers.FastTree(Fill(new FastTreeRegressionTrainer.Options(), context));
    }

    private TOptions Fill<TOptions>(TOptions options, TrainerContext context)
        where TOptions : BoostedTreeOptions
    {
        options.LabelColumnName = context.Label;
        options.FeatureColumnName = context.Features;
        options.NumberOfTrees = Trees;
        options.NumberOfLeaves = Leaves;
        options.MinimumExampleCountPerLeaf = MinRowsPerLeaf;
        options.LearningRate = LearningRate;
        options.NumberOfThreads = 1;
        options.Seed = context.Seed;
        options.FeatureSelectionSeed = context.Seed;
        return options;
    }
}
