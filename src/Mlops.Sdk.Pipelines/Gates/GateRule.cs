using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines;

/// <summary>What a gate decides by: the candidate's answers, the baseline's and the champion's on the same test rows.</summary>
internal sealed record GateInput(
    ModelTask Task,
    Evaluation Candidate,
    Evaluation Baseline,
    float[] Scores,
    float[] BaselineScores,
    float[]? ChampionScores,
    string? Champion,
    bool[]? BinaryLabels,
    float[]? NumberLabels)
{
    /// <summary>Gets why the champion gave no answers for the test rows, or null when it did or there is none.</summary>
    internal string? ChampionProblem { get; init; }
}

/// <summary>A rule of a gate.</summary>
/// <param name="Text">The rule and its numbers: part of what makes a definition that definition.</param>
/// <param name="NeedsChampion">Whether the version in service is asked about the test rows too.</param>
/// <param name="Decide">Decides.</param>
internal sealed record GateRule(string Text, bool NeedsChampion, Func<GateInput, GateResult> Decide);

/// <summary>Builds the rules of a gate.</summary>
public sealed class GateBuilder
{
    private readonly List<GateRule> _rules;

    internal GateBuilder(List<GateRule> rules) => _rules = rules;

    /// <summary>Demands a metric on the test rows.</summary>
    /// <param name="metric">Its standard name, one where more is better, such as <c>auc</c> or <c>r2</c>.</param>
    /// <param name="minimum">The least value.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="MlopsException">There is no such metric; code <c>pipeline.unknown_metric</c>.</exception>
    public GateBuilder AtLeast(string metric, double minimum) => Add(new MetricLimit(metric, minimum, isMinimum: true));

    /// <summary>Demands a metric on the test rows.</summary>
    /// <param name="metric">Its standard name, one where less is better, such as <c>logLoss</c> or <c>mae</c>.</param>
    /// <param name="maximum">The most.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="MlopsException">There is no such metric; code <c>pipeline.unknown_metric</c>.</exception>
    public GateBuilder AtMost(string metric, double maximum) => Add(new MetricLimit(metric, maximum, isMinimum: false));

    /// <summary>
    /// Demands to be better than a trivial baseline that is made automatically: the base rate, or the mean. Yes or no: the lower end of
    /// the AUC's 95 % interval is above one half by the margin, and the log loss is lower. Number: the mean absolute error is lower,
    /// significantly in a paired one-sided test at 5 %.
    /// </summary>
    /// <param name="margin">By how much the AUC must be above one half, in [0, 0.5).</param>
    /// <returns>The same builder.</returns>
    public GateBuilder BeatsBaseline(double margin = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(margin);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(margin, 0.5);
        _rules.Add(new GateRule(FormattableString.Invariant($"beats-baseline({margin})"), NeedsChampion: false, input => Gates.BeatsBaseline(input, margin)));
        return this;
    }

    /// <summary>
    /// Demands to be not worse than the version in service, on the same test rows, by a paired test of non-inferiority at 5 %: DeLong on the
    /// AUC for yes or no, the mean difference of absolute errors for numbers. Passes when nothing is in service yet; fails as undecided when
    /// the test rows hold fewer than 10 of a class.
    /// </summary>
    /// <param name="margin">The loss that is put up with: in AUC, or as a share of the champion's mean absolute error; in (0, 0.5).</param>
    /// <returns>The same builder.</returns>
    public GateBuilder NotWorseThanChampion(double margin = 0.02)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(margin);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(margin, 0.5);
        _rules.Add(new GateRule(FormattableString.Invariant($"not-worse-than-champion({margin})"), NeedsChampion: true, input => Gates.AgainstChampion(input, "not-worse-than-champion", margin)));
        return this;
    }

    /// <summary>Demands to be better than the version in service, on the same test rows, by a paired test at 5 %.</summary>
    /// <returns>The same builder.</returns>
    public GateBuilder BeatsChampion()
    {
        _rules.Add(new GateRule("beats-champion", NeedsChampion: true, input => Gates.AgainstChampion(input, "beats-champion", 0)));
        return this;
    }

    private GateBuilder Add(MetricLimit limit)
    {
        _rules.Add(new GateRule(limit.Text, NeedsChampion: false, input => limit.Decide(input.Candidate)));
        return this;
    }
}

internal static class Gates
{
    /// <summary>With fewer rows of a class the variance of an area under the curve is no guide: two lucky models on five rows have none at all.</summary>
    private const int FewestPerClass = 10;

    internal static GateResult BeatsBaseline(GateInput input, double margin)
    {
        if (input.Task == ModelTask.Binary)
        {
            MetricValue? auc = input.Candidate.Metrics.GetValueOrDefault("auc");
            double loss = input.Candidate.Metrics["logLoss"].Value;
            double trivial = input.Baseline.Metrics["logLoss"].Value;
            bool passed = auc?.Lower > 0.5 + margin && loss < trivial;
            return Result(
                "beats-baseline",
                passed,
                $"AUC {Text(auc?.Value ?? double.NaN)} with a 95 % interval from {Text(auc?.Lower ?? double.NaN)}, the baseline's is 0.5; log loss {Text(loss)} against {Text(trivial)}",
                ("auc", auc?.Value ?? double.NaN),
                ("aucLower", auc?.Lower ?? double.NaN),
                ("logLoss", loss),
                ("baselineLogLoss", trivial));
        }

        (double mean, double upper, double p) = Paired(input.Scores, input.BaselineScores, input.NumberLabels!, 0);
        return Result(
            "beats-baseline",
            upper < 0,
            $"mean absolute error {Text(input.Candidate.Metrics["mae"].Value)} against {Text(input.Baseline.Metrics["mae"].Value)} of the mean (p = {Text(p)})",
            ("difference", mean),
            ("upper", upper),
            ("p", p));
    }

    internal static GateResult AgainstChampion(GateInput input, string name, double margin)
    {
        if (input.ChampionProblem is { } problem)
        {
            return Result(name, false, $"{input.Champion} cannot be asked about the test rows, so nothing can be proven against it: {problem}", ("margin", margin));
        }

        if (input.ChampionScores is null)
        {
            return Result(name, true, "nothing is in service yet", ("margin", margin));
        }

        return input.Task == ModelTask.Binary ? ByAuc(input, name, margin) : ByError(input, name, margin);
    }

    private static GateResult ByAuc(GateInput input, string name, double margin)
    {
        int positives = input.BinaryLabels!.Count(l => l);
        int fewer = Math.Min(positives, input.BinaryLabels!.Length - positives);
        if (fewer < FewestPerClass)
        {
            return Result(
                name,
                false,
                $"undecided: the test rows hold {positives} positives and {input.BinaryLabels.Length - positives} negatives, at least {FewestPerClass} of each are needed to compare with {input.Champion}; use more rows or a larger share of test rows",
                ("positives", positives),
                ("negatives", input.BinaryLabels.Length - positives),
                ("margin", margin));
        }

        (double candidate, double[] positive, double[] negative) = RocArea.Placements(input.Scores, input.BinaryLabels);
        (double champion, double[] championPositive, double[] championNegative) = RocArea.Placements(input.ChampionScores, input.BinaryLabels);
        double error = Math.Sqrt(RocArea.DeLongVariance(Minus(positive, championPositive), Minus(negative, championNegative)));
        double difference = candidate - champion;
        double lower = difference - (Intervals.Z95OneSided * error);
        double p = error > 0 ? 1 - SpecialFunctions.NormalCdf((difference + margin) / error) : difference + margin > 0 ? 0 : 1;
        bool passed = lower > -margin || (error == 0 && difference >= -margin && margin > 0);
        return Result(
            name,
            passed,
            $"AUC {Text(candidate)} against {Text(champion)} of {input.Champion} on the same {input.BinaryLabels!.Length} rows; difference {Text(difference)}, surely above {Text(lower)}, {(margin > 0 ? $"a loss of {Text(margin)} is put up with" : "it must be above 0")} (paired DeLong, p = {Text(p)})",
            ("auc", candidate),
            ("championAuc", champion),
            ("difference", difference),
            ("lower", lower),
            ("margin", margin),
            ("p", p));
    }

    private static GateResult ByError(GateInput input, string name, double margin)
    {
        double championError = Enumerable.Range(0, input.NumberLabels!.Length).Average(i => Math.Abs((double)input.ChampionScores![i] - input.NumberLabels[i]));
        double allowed = margin * championError;
        (double mean, double upper, double p) = Paired(input.Scores, input.ChampionScores!, input.NumberLabels, allowed);
        bool passed = upper < allowed || (margin > 0 && mean == 0 && upper == 0);
        return Result(
            name,
            passed,
            $"mean absolute error {Text(championError + mean)} against {Text(championError)} of {input.Champion} on the same {input.NumberLabels.Length} rows; the difference is surely below {Text(upper)}, {Text(allowed)} is put up with (paired, p = {Text(p)})",
            ("difference", mean),
            ("upper", upper),
            ("margin", allowed),
            ("p", p));
    }

    /// <summary>The mean difference of absolute errors with its one-sided 95 % upper bound, and the p-value against a margin.</summary>
    private static (double Mean, double Upper, double P) Paired(float[] scores, float[] others, float[] labels, double margin)
    {
        double[] differences = new double[labels.Length];
        for (int i = 0; i < differences.Length; i++)
        {
            differences[i] = Math.Abs((double)scores[i] - labels[i]) - Math.Abs((double)others[i] - labels[i]);
        }

        (double mean, _, double error) = Intervals.MeanInterval(differences);
        double p = error > 0 ? SpecialFunctions.NormalCdf((mean - margin) / error) : mean < margin ? 0 : 1;
        return (mean, mean + (Intervals.Z95OneSided * error), p);
    }

    private static double[] Minus(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];

    internal static GateResult Result(string name, bool passed, string message, params (string Name, double Value)[] numbers) =>
        new(name, passed, message, numbers.Where(n => double.IsFinite(n.Value)).ToDictionary(n => n.Name, n => n.Value, StringComparer.Ordinal));

    internal static string Text(double value) => value.ToString(Math.Abs(value) >= 100 ? "0.#" : "0.0000", CultureInfo.InvariantCulture);
}
