using System.Diagnostics;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk.Comparisons;

/// <summary>What it costs to compare 100 windows of 200 features with their reference and to write the page, and how large the page is.</summary>
internal static class ReportTopic
{
    private const int Numbers = 150;
    private const int Texts = 50;
    private const int Windows = 100;
    private const int Rows = 500;
    private const int Rounds = 5;

    public static Task RunAsync(Report report)
    {
        var schema = new ModelSchema(
            ModelTask.Binary,
            [.. Enumerable.Range(0, Numbers).Select(n => new ModelInput($"number {n}", InputKind.Number, $"number {n}")), .. Enumerable.Range(0, Texts).Select(t => new ModelInput($"text {t}", InputKind.Text, $"text {t}"))],
            [ModelOutputs.Probability],
            "label");
        ReferenceProfile profile = ReferenceProfile.Of(Table(schema, 0, 5_000));
        MonitorWindow[] windows =
        [
            .. Enumerable.Range(1, Windows).Select(w => MonitorWindow.Of($"w{w}", "m", 1, profile, Table(schema, w, Rows), at: DateTimeOffset.UnixEpoch.AddHours(w))),
        ];

        var compared = new List<double>();
        var page = new List<double>();
        var json = new List<double>();
        MonitoringReport made = null!;
        string html = string.Empty;
        string document = string.Empty;
        for (int round = 0; round <= Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            DriftReport[] drift = Array.ConvertAll(windows, w => DriftDetector.Compare(profile, w));
            double comparing = Stopwatch.GetElapsedTime(start).TotalSeconds;
            made = new MonitoringReport
            {
                Model = "m",
                Version = 1,
                CreatedAt = windows[^1].To,
                Drift = drift,
                Quality = DataQuality.Check(profile, windows[^1]),
                Skew = TrainingServingSkew.Compare(profile, windows[^1]),
                Causes = [RootCauses.Rank(drift[^1])],
                Signals = [.. Enumerable.Range(0, Windows).SelectMany(i => new[] { Signal("performance.roc_auc", i), Signal("estimated.roc_auc", i), Signal("usage.calls", i) })],
            };
            start = Stopwatch.GetTimestamp();
            html = made.ToHtml();
            double writing = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            document = made.ToJson();
            double serialising = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (round == 0)
            {
                report.Note("first_page_seconds_with_comparing", comparing + writing); // before anything is compiled
            }
            else
            {
                compared.Add(comparing);
                page.Add(writing);
                json.Add(serialising);
            }
        }

        report.AtMost("comparing_and_page_seconds", Median(compared) + Median(page), 2);
        report.AtMost("page_seconds", Median(page), 2);
        report.Note("json_seconds", Median(json));
        report.AtMost("page_megabytes", html.Length / 1e6, 4);
        report.Note("json_megabytes", document.Length / 1e6);
        report.Note("drifted_features", made.Latest!.Drifted);
        return Task.CompletedTask;
    }

    private static MonitorSignal Signal(string name, int hour) => new()
    {
        Model = "m",
        Version = 1,
        Name = name,
        From = DateTimeOffset.UnixEpoch.AddHours(hour),
        To = DateTimeOffset.UnixEpoch.AddHours(hour + 1),
        Rows = Rows,
        Value = 0.8 + (0.0005 * (hour % 17)),
        Low = 0.78,
        High = 0.83,
        Reference = 0.81,
    };

    /// <summary>Every tenth feature moves with time.</summary>
    private static EncodedTable Table(ModelSchema schema, int window, int rows)
    {
        var random = new Random(window);
        var columns = new List<Column>();
        foreach ((int i, ModelInput input) in schema.Inputs.Index())
        {
            double moved = i % 10 == 0 ? 0.02 * window : 0;
            if (input.Kind == InputKind.Number)
            {
                columns.Add(new NumberColumn(input.Name, [.. Enumerable.Range(0, rows).Select(_ => random.NextDouble() < 0.05 ? double.NaN : moved - Math.Log(1 - random.NextDouble()))]));
            }
            else
            {
                string[] dictionary = [.. Enumerable.Range(0, 12).Select(c => $"category {c}")];
                columns.Add(new TextColumn(input.Name, [.. Enumerable.Range(0, rows).Select(_ => (int)(12 * Math.Pow(random.NextDouble(), 1 + moved)))], dictionary));
            }
        }

        return EncodedTable.From(new Table(columns), schema);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
