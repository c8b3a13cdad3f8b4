// Our path against what a .NET user would take otherwise, in one process, in alternating slices.
//   dotnet run -c Release --project benchmarks/Mlops.Sdk.Comparisons -- TOPIC [TOPIC ...]
// Prints a line a figure, "topic.figure value goal ok|short", and exits 1 when one is short. Trust ratios, not nanoseconds.
using Mlops.Sdk.Comparisons;

// a topic is one entry here and one folder beside this file
var topics = new Dictionary<string, Func<Report, Task>>(StringComparer.Ordinal)
{
    ["artifacts"] = ArtifactsTopic.RunAsync,
    ["catalog"] = CatalogTopic.RunAsync,
    ["drift"] = DriftTopic.RunAsync,
    ["ledger"] = LedgerTopic.RunAsync,
    ["predict"] = PredictTopic.RunAsync,
    ["record"] = RecordTopic.RunAsync,
    ["report"] = ReportTopic.RunAsync,
    ["tracking"] = TrackingTopic.RunAsync,
};

if (args.Length == 0 || args.Any(a => !topics.ContainsKey(a)))
{
    Console.Error.WriteLine($"Usage: Comparisons TOPIC [TOPIC ...], where a topic is one of: {string.Join(", ", topics.Keys.Order())}");
    return 2;
}

#if DEBUG
Console.Error.WriteLine("This is a Debug build: its figures mean nothing. Use -c Release.");
#endif

var failed = false;
foreach (string topic in args)
{
    var report = new Report(topic, Console.Out);
    await topics[topic](report);
    failed |= report.IsShort;
}

return failed ? 1 : 0;
