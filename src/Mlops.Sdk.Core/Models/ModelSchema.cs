namespace Mlops.Sdk;

/// <summary>What a model takes and gives: the contract between training, serving and monitoring.</summary>
/// <param name="Task">The kind of task.</param>
/// <param name="Inputs">The model's inputs in slot order.</param>
/// <param name="Outputs">The names of the outputs in order, each one a number: see <see cref="ModelOutputs"/>.</param>
/// <param name="Label">The name of the source column that was learned.</param>
public sealed record ModelSchema(ModelTask Task, IReadOnlyList<ModelInput> Inputs, IReadOnlyList<string> Outputs, string Label);

/// <summary>The kinds of task.</summary>
public enum ModelTask
{
    /// <summary>Yes or no.</summary>
    Binary,

    /// <summary>One of several classes.</summary>
    Multiclass,

    /// <summary>A number.</summary>
    Regression,
}

/// <summary>Well-known output names.</summary>
public static class ModelOutputs
{
    /// <summary>The raw score: a margin, or the predicted number of a regression.</summary>
    public const string Score = "Score";

    /// <summary>The calibrated probability of yes, in [0, 1].</summary>
    public const string Probability = "Probability";

    /// <summary>The predicted label: 1 for yes, 0 for no.</summary>
    public const string PredictedLabel = "PredictedLabel";
}

/// <summary>One input of a model.</summary>
/// <param name="Name">The input's name, unique in the schema: the source column's, or <c>Column.Month</c> for a part of it.</param>
/// <param name="Kind">Whether it is a number or a text.</param>
/// <param name="Source">The name of the column it comes from.</param>
/// <param name="Part">The part of a date that it is.</param>
public sealed record ModelInput(string Name, InputKind Kind, string Source, DatePart Part = DatePart.None)
{
    /// <summary>Gets the categories seen in training, in order of their first row, or null for a number.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>Gets the smallest number seen in training, or null.</summary>
    public float? Minimum { get; init; }

    /// <summary>Gets the largest number seen in training, or null.</summary>
    public float? Maximum { get; init; }

    /// <summary>Gets the share of rows without a value in training, in [0, 1].</summary>
    public double MissingShare { get; init; }
}

/// <summary>The kinds of input slot.</summary>
public enum InputKind
{
    /// <summary>A single-precision number; NaN when missing. Booleans are 0 and 1.</summary>
    Number,

    /// <summary>A text; null when missing.</summary>
    Text,
}

/// <summary>The parts of a date that can be an input.</summary>
public enum DatePart
{
    /// <summary>Not a part: the value itself.</summary>
    None,

    /// <summary>The year.</summary>
    Year,

    /// <summary>The month, 1 to 12.</summary>
    Month,

    /// <summary>The day of the week, 0 for Sunday to 6.</summary>
    DayOfWeek,

    /// <summary>The hour, 0 to 23.</summary>
    Hour,
}

/// <summary>One row as a model sees it: the number inputs and the text inputs, each in schema order.</summary>
/// <param name="numbers">The number inputs, shape [number inputs]; NaN for a missing one.</param>
/// <param name="texts">The text inputs, shape [text inputs]; null for a missing one.</param>
public readonly ref struct ModelRow(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts)
{
    /// <summary>Gets the number inputs, shape [number inputs]; NaN for a missing one.</summary>
    public ReadOnlySpan<float> Numbers { get; } = numbers;

    /// <summary>Gets the text inputs, shape [text inputs]; null for a missing one.</summary>
    public ReadOnlySpan<string?> Texts { get; } = texts;
}
