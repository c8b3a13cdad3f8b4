using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>What a definition said: filled by the builders, read by the runner.</summary>
internal sealed class PipelinePlan<T>
{
    internal string? Goal { get; set; }

    internal List<MetricLimit> GoalCriteria { get; } = [];

    internal IDataSource<T>? Source { get; set; }

    internal DataContract<T> Contract { get; set; } = new DataContractBuilder<T>().Build();

    internal double TestShare { get; set; }

    /// <summary>Gets or sets the column to split by time, or null.</summary>
    internal string? SplitTime { get; set; }

    /// <summary>Gets or sets the key to split by, or null for the row itself.</summary>
    internal Func<T, string>? SplitKey { get; set; }

    internal ModelTask Task { get; set; }

    internal string LabelName { get; set; } = string.Empty;

    internal Func<T, bool>? BinaryLabel { get; set; }

    internal Func<T, float>? NumberLabel { get; set; }

    /// <summary>Gets the columns that the label is made of: never features.</summary>
    internal HashSet<string> LabelColumns { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets or sets the columns to train on, or null for all.</summary>
    internal HashSet<string>? OnlyColumns { get; set; }

    internal HashSet<string> WithoutColumns { get; } = new(StringComparer.Ordinal);

    internal List<(string Column, DatePart Part)> DateParts { get; } = [];

    internal List<(string Name, CandidateOptions Options)> Candidates { get; } = [];

    internal List<string> Slices { get; } = [];

    internal List<GateRule> Gates { get; } = [];

    internal bool Complete { get; set; }
}
