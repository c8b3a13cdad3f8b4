using System.Text.Json.Serialization;

namespace Mlops.Sdk;

/// <summary>What a model computes, told without the library that made it: enough to score a row, and nothing else. Immutable by agreement.</summary>
/// <param name="Features">How the feature vector is made from a row, in the order of its slots.</param>
/// <param name="Predictor">What turns the feature vector into a score.</param>
/// <remarks>
/// A program is a claim, not a proof: whoever runs it in place of the model compares both first, bit for bit. All arithmetic is in the
/// types and the order that the members state.
/// </remarks>
public sealed record ModelProgram(IReadOnlyList<ProgramFeature> Features, ProgramPredictor Predictor)
{
    /// <summary>The newest format this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Gets the version of this document's format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>Gets how a score becomes a probability, or null when the model gives none.</summary>
    public PlattLink? Link { get; init; }

    /// <summary>Gets the score above which the predicted label is yes, or null when the model predicts no label.</summary>
    public float? Threshold { get; init; }
}

/// <summary>A part of the feature vector that is made from one input.</summary>
/// <param name="Input">The name of the input in the model's schema.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(NumberFeature), "number")]
[JsonDerivedType(typeof(CategoryFeature), "category")]
public abstract record ProgramFeature(string Input);

/// <summary>One slot of the feature vector: a number input after some steps.</summary>
/// <param name="Input">The name of a number input in the model's schema.</param>
/// <param name="Steps">What is done to the number, in order; none to take it as it is.</param>
public sealed record NumberFeature(string Input, IReadOnlyList<NumberStep> Steps) : ProgramFeature(Input);

/// <summary>One slot of the feature vector for each category of a text input: 1 in the category's slot, 0 elsewhere; all 0 for a missing, empty or unknown text.</summary>
/// <param name="Input">The name of a text input in the model's schema.</param>
/// <param name="Categories">The categories in slot order; compared by their characters, without folding or trimming.</param>
public sealed record CategoryFeature(string Input, IReadOnlyList<string> Categories) : ProgramFeature(Input);

/// <summary>One thing done to a number, in single precision.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Value">The replacement or the scale.</param>
/// <param name="Offset">The offset of <see cref="NumberStepKind.Affine"/>.</param>
public readonly record struct NumberStep(NumberStepKind Kind, float Value = 0, float Offset = 0);

/// <summary>The things that can be done to a number.</summary>
public enum NumberStepKind
{
    /// <summary>NaN becomes the value; others stay.</summary>
    Replace,

    /// <summary>x becomes (x - offset) * value.</summary>
    Affine,

    /// <summary>NaN becomes 1, others become 0.</summary>
    IsMissing,
}

/// <summary>What turns a feature vector into a score.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(TreeProgram), "trees")]
[JsonDerivedType(typeof(LinearProgram), "linear")]
public abstract record ProgramPredictor;

/// <summary>Trees whose leaf values are added in double precision from 0, tree by tree, and then turned into single precision.</summary>
/// <param name="Trees">The trees in the order they are added.</param>
public sealed record TreeProgram(IReadOnlyList<ProgramTree> Trees) : ProgramPredictor
{
    /// <summary>Gets the number by which the sum is divided, in single precision, after it was turned into single precision; 1 for a plain sum.</summary>
    public int Divisor { get; init; } = 1;
}

/// <summary>A binary decision tree. Nodes are numbered from 0, which is the root; a child below 0 is the leaf of number -child - 1.</summary>
/// <param name="Left">The child taken when the node's feature is at most its threshold, or when none of its categorical slots is above 0; shape [nodes].</param>
/// <param name="Right">The child taken otherwise, shape [nodes].</param>
/// <param name="Feature">The slot of the feature vector that a node looks at, -1 for a categorical node; shape [nodes].</param>
/// <param name="Threshold">The thresholds, shape [nodes].</param>
/// <param name="Leaves">The values of the leaves, shape [leaves], one more than there are nodes.</param>
public sealed record ProgramTree(int[] Left, int[] Right, int[] Feature, float[] Threshold, double[] Leaves)
{
    /// <summary>Gets for each categorical node the slots it looks at, null for the others, shape [nodes]; or null when there is no such node.</summary>
    public int[]?[]? Slots { get; init; }

    /// <summary>Gets for each node whether NaN goes left, shape [nodes]; or null when that is not known, so that a row with a NaN cannot be scored.</summary>
    public bool[]? MissingLeft { get; init; }
}

/// <summary>A weighted sum in single precision: the bias plus the dot product of weights and features, in the order of ML.NET's own sums, which depends on the processor.</summary>
/// <param name="Weights">The weights, shape [features].</param>
/// <param name="Bias">The bias.</param>
public sealed record LinearProgram(float[] Weights, float Bias) : ProgramPredictor;

/// <summary>A probability from a score: 1 / (1 + exp(slope * score + offset)) in double precision, then turned into single precision; NaN stays NaN.</summary>
/// <param name="Slope">The slope.</param>
/// <param name="Offset">The offset.</param>
/// <remarks>Source: J. Platt, Probabilistic outputs for support vector machines, 1999.</remarks>
public sealed record PlattLink(double Slope, double Offset);
