using System.Globalization;
using System.Text;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Pipelines;

namespace Mlops.Sdk;

/// <summary>One run on the page.</summary>
internal static class RunSection
{
    internal static void Write(StringBuilder html, PipelineRun run)
    {
        (string outcome, string css) = run.Outcome switch
        {
            Registered registered => ($"registered as version {registered.Version.Number}", "good"),
            Rejected => ("rejected", "bad"),
            Failed failed => ($"failed in {failed.Step}", "bad"),
            _ => ("cancelled", "mute"),
        };
        html.Append(CultureInfo.InvariantCulture, $"<section><h2>{Svg.Encode(run.Pipeline)}: a run <span class=\"badge {css}\">{Svg.Encode(outcome)}</span></h2>");
        RunReport report = run.Report;
        WriteData(html, report);
        html.Append("<div class=\"grid2\">");
        WriteLeaderboard(html, report);
        if (report.Evaluation is { } evaluation)
        {
            WriteMetrics(html, evaluation, report.Baseline);
            WriteCurves(html, evaluation);
        }

        html.Append("</div>");
        WriteGates(html, report);
        if (report.Evaluation is { Slices.Count: > 0 } sliced)
        {
            WriteSlices(html, sliced);
        }

        html.Append("</section>");
    }

    private static void WriteData(StringBuilder html, RunReport report)
    {
        if (report.Dataset is { } data)
        {
            string span = data.From is null ? string.Empty : $", {data.From} to {data.To}";
            html.Append(CultureInfo.InvariantCulture, $"<p>{Svg.Encode(data.Source)}{Svg.Encode(span)}: {data.Rows} rows ({data.TrainingRows} to train, {data.TestRows} to test), {data.Rejected} kept aside. <span class=\"mute\">{Svg.Encode(data.Fingerprint.ToString()[..19])}…</span></p>");
        }

        foreach (Data.LeakFinding leak in report.Leaks)
        {
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"bad\">{(leak.Block ? "Excluded" : "Look at")} <b>{Svg.Encode(leak.Column)}</b>: {Svg.Encode(leak.Reason)}.</p>");
        }
    }

    private static void WriteLeaderboard(StringBuilder html, RunReport report)
    {
        if (report.Leaderboard.Count == 0)
        {
            return;
        }

        bool binary = report.Leaderboard.Any(r => r.Metrics.ContainsKey("auc"));
        string metric = binary ? "auc" : "mae";
        (string, double, double, double, bool)[] rows =
        [
            .. report.Leaderboard.Select((r, i) => (Row: r, Best: i == 0)).Where(r => r.Row.Metrics.ContainsKey(metric))
                .Select(r => (r.Row.Candidate, r.Row.Metrics[metric].Value, r.Row.Metrics[metric].Lower ?? r.Row.Metrics[metric].Value, r.Row.Metrics[metric].Upper ?? r.Row.Metrics[metric].Value, r.Best)),
        ];
        double low = rows.Length == 0 ? 0 : rows.Min(r => r.Item3);
        double high = rows.Length == 0 ? 1 : rows.Max(r => r.Item4);
        double pad = Math.Max((high - low) * 0.15, 1e-6);
        html.Append("<div class=\"card\"><h3>Candidates on validation rows, with 95 % intervals</h3>");
        html.Append(Svg.Intervals("Leaderboard", new Svg.Axis(metric, Math.Max(0, low - pad), binary ? Math.Min(1, high + pad) : high + pad), rows));
        foreach (LeaderboardRow failed in report.Leaderboard.Where(r => r.Problem is not null))
        {
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"bad\">{Svg.Encode(failed.Candidate)} failed: {Svg.Encode(failed.Problem)}</p>");
        }

        html.Append("</div>");
    }

    private static void WriteMetrics(StringBuilder html, Evaluation evaluation, Evaluation? baseline)
    {
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"card\"><h3>On {evaluation.Rows} test rows, untouched until now</h3><table><tr><th>metric</th><th class=\"n\">value</th><th class=\"n\">95 % interval</th><th class=\"n\">baseline</th></tr>");
        foreach ((string name, MetricValue value) in evaluation.Metrics)
        {
            string interval = value is { Lower: { } lower, Upper: { } upper } ? $"{Number(lower)} to {Number(upper)}" : string.Empty;
            string trivial = baseline?.Metrics.TryGetValue(name, out MetricValue? other) == true ? Number(other.Value) : string.Empty;
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Svg.Encode(name)}</td><td class=\"n\">{Number(value.Value)}</td><td class=\"n\">{interval}</td><td class=\"n mute\">{trivial}</td></tr>");
        }

        html.Append("</table>");
        if (evaluation.Confusion is [var tn, var fp, var fn, var tp])
        {
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"mute\">{tp} of {tp + fn} positives found, {fp} false alarms among {fp + tn} negatives.</p>");
        }

        html.Append("</div>");
    }

    private static void WriteCurves(StringBuilder html, Evaluation evaluation)
    {
        if (evaluation.Roc.Count > 1)
        {
            html.Append("<div class=\"card\"><h3>ROC curve</h3>");
            html.Append(Svg.Lines("ROC curve", new Svg.Axis("false positive rate", 0, 1), new Svg.Axis("true positive rate", 0, 1), ("model", "a", Points(evaluation.Roc)), ("chance", "d", [(0, 0), (1, 1)])));
            html.Append("</div>");
        }

        if (evaluation.Calibration.Count > 1)
        {
            double top = Math.Min(1, Math.Max(0.1, evaluation.Calibration.Max(c => Math.Max(c[0], c[1])) * 1.1));
            html.Append("<div class=\"card\"><h3>Calibration, ten bins of equal rows</h3>");
            html.Append(Svg.Lines("Calibration", new Svg.Axis("predicted probability", 0, top), new Svg.Axis("share of positives", 0, top), ("model", "a", Points(evaluation.Calibration)), ("perfect", "d", [(0, 0), (top, top)])));
            html.Append("</div>");
        }
    }

    private static void WriteGates(StringBuilder html, RunReport report)
    {
        GateResult[] gates = [.. report.Gates, .. report.Goal?.Criteria ?? []];
        if (gates.Length == 0)
        {
            return;
        }

        html.Append("<h3>Gate</h3><table>");
        foreach (GateResult gate in gates)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"{(gate.Passed ? "good" : "bad")}\">{(gate.Passed ? "passed" : "failed")}</td><td>{Svg.Encode(gate.Name)}</td><td>{Svg.Encode(gate.Message)}</td></tr>");
        }

        html.Append("</table>");
        if (report.Goal is { } goal)
        {
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"mute\">Goal: {Svg.Encode(goal.Statement)}.</p>");
        }
    }

    private static void WriteSlices(StringBuilder html, Evaluation evaluation)
    {
        html.Append("<h3>Slices, worst first</h3><table><tr><th>slice</th><th class=\"n\">rows</th><th class=\"n\">metric</th></tr>");
        foreach (SliceEvaluation slice in evaluation.Slices.Take(12))
        {
            string value = slice.Value95 is { } metric ? $"{slice.Metric} {Number(metric.Value)}" : slice.Rows < 100 ? "too few rows" : "undefined";
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Svg.Encode(slice.Column)} = {Svg.Encode(slice.Value)}</td><td class=\"n\">{slice.Rows}</td><td class=\"n\">{value}</td></tr>");
        }

        html.Append("</table>");
    }

    private static IReadOnlyList<(double X, double Y)> Points(IReadOnlyList<double[]> points) => [.. points.Select(p => (p[0], p[1]))];

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "0.#" : "0.000", CultureInfo.InvariantCulture);
}
