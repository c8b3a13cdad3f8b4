namespace Mlops.Sdk.Pipelines;

/// <summary>A metric that must reach a value.</summary>
internal sealed record MetricLimit
{
    private static readonly string[] Known = ["accuracy", "auc", "brier", "f1", "logLoss", "mae", "precision", "r2", "recall", "rmse"];

    internal MetricLimit(string metric, double limit, bool isMinimum)
    {
        ArgumentException.ThrowIfNullOrEmpty(metric);
        if (!Known.Contains(metric, StringComparer.Ordinal))
        {
            throw new MlopsException("pipeline.unknown_metric", $"There is no metric '{metric}'. The metrics are: {string.Join(", ", Known)}.");
        }

        if (!double.IsFinite(limit))
        {
            throw new ArgumentOutOfRangeException(nameof(limit), limit, $"The limit of '{metric}' is a finite number.");
        }

        (Metric, Limit, IsMinimum) = (metric, limit, isMinimum);
    }

    internal string Metric { get; }

    internal double Limit { get; }

    internal bool IsMinimum { get; }

    internal string Text => FormattableString.Invariant($"{Name}({Metric}, {Limit})");

    private string Name => IsMinimum ? "at-least" : "at-most";

    internal GateResult Decide(Evaluation evaluation, string? prefix = null)
    {
        string asked = $"at {(IsMinimum ? "least" : "most")} {Gates.Text(Limit)} was asked";
        string name = $"{prefix ?? Name}({Metric})";
        string limit = IsMinimum ? "minimum" : "maximum";
        return evaluation.Metrics.TryGetValue(Metric, out MetricValue? found)
            ? Gates.Result(name, IsMinimum ? found.Value >= Limit : found.Value <= Limit, $"{Metric} {Gates.Text(found.Value)}, {asked}", ("value", found.Value), (limit, Limit))
            : Gates.Result(name, false, $"{Metric} is not defined on the test rows; {asked}", (limit, Limit));
    }
}
