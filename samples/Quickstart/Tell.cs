using System.Globalization;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Pipelines;

namespace Mlops.Sdk.Samples.Quickstart;

/// <summary>Prints what happened the way a person would like to read it.</summary>
internal static class Tell
{
    internal static void Heading(string text) => Console.WriteLine($"\n== {text}");

    internal static void Run(PipelineRun run)
    {
        RunReport report = run.Report;
        Heading($"{(run.Repeated ? "Remembered" : "Trained")}: {report.Dataset?.Source} ({report.Dataset?.Rows} rows, {report.Dataset?.Rejected} kept aside by the contract)");
        foreach (LeakFinding leak in report.Leaks)
        {
            Console.WriteLine($"   {(leak.Block ? "excluded" : "look at")} {leak.Column}: {leak.Reason}");
        }

        Console.WriteLine("   candidate    auc    95 % interval     trained in");
        foreach (LeaderboardRow row in report.Leaderboard)
        {
            Console.WriteLine(row.Metrics.TryGetValue("auc", out MetricValue? auc)
                ? string.Create(CultureInfo.InvariantCulture, $"   {row.Candidate,-10} {auc.Value,6:0.000}    {auc.Lower:0.000} to {auc.Upper:0.000}    {row.Milliseconds,7:0} ms")
                : $"   {row.Candidate,-10} failed: {row.Problem}");
        }

        foreach (GateResult gate in report.Gates.Concat(report.Goal?.Criteria ?? []))
        {
            Console.WriteLine($"   {(gate.Passed ? "passed" : "FAILED")} {gate.Name}: {gate.Message}");
        }

        Console.WriteLine($"   => {(run.Version is { } version ? $"{version}, {version.Status}" : run.Outcome)}");
    }

    internal static void Watch(MonitorCheck check, string years)
    {
        Heading($"Watched: the reports of {years} against training");
        Console.WriteLine(check.Report?.ToText().TrimEnd() ?? check.Summary);
        Console.WriteLine(check.Alert is { } alert ? $"=> alert {alert.Id} {(check.Raised ? "raised" : "is open already")}" : "=> no alert");
    }

    internal static async Task HistoryAsync(MlopsWorkspace mlops, IReadOnlyList<LedgerEntry> history)
    {
        Heading("History: what, who, why");
        foreach (LedgerEntry entry in history.TakeLast(18))
        {
            string what = entry.Resource.Version is { } version ? $"{entry.Kind} v{version}" : entry.Kind;
            Console.WriteLine($"   {entry.Number,4}  {what,-34} {entry.Actor.Id,-10} {(entry.Reason.Length <= 80 ? entry.Reason : entry.Reason[..80] + "...")}");
        }

        if (history.LastOrDefault(e => e.Kind == LedgerKinds.AliasMoved) is { } moved)
        {
            DateTimeOffset before = moved.Time - TimeSpan.FromTicks(1);
            ModelVersion? then = await mlops.Registry.FindAliasAtAsync(moved.Resource.Name, MlopsWorkspace.Champion, before);
            ModelVersion? now = await mlops.Registry.FindAliasAsync(moved.Resource.Name, MlopsWorkspace.Champion);
            Console.WriteLine($"   Which version was champion just before {moved.Time:HH:mm:ss}? {then?.ToString() ?? "none"}. And now? {now}.");
        }

        LedgerVerification verified = await mlops.Ledger.VerifyAsync();
        Console.WriteLine($"   The ledger's {verified.Proven.Entries} entries {(verified.Ok ? "are proven unchanged" : $"are NOT intact: {verified.Problem}")}.");
    }
}
