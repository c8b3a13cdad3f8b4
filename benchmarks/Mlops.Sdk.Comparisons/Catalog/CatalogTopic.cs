using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Mlops.Sdk.Registry;

namespace Mlops.Sdk.Comparisons;

/// <summary>The catalog over 1,000 models of 10 versions, and the lineage of 100,000 things: folding, loading, asking.</summary>
internal static class CatalogTopic
{
    private const int Models = 1_000;
    private const int VersionsEach = 10;
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] Words = ["fraud", "churn", "demand", "price", "risk", "fare", "strike", "credit", "click", "load", "energy", "traffic", "late", "return", "spam", "fault"];
    private static readonly string[] Queries =
    [
        "fraud",
        "fraud alias:champion",
        "fraud alias:champion metric.auc>0.9 tag:eu owner:ann",
        "risk OR churn",
        "pri",
        "\"of customers\"",
        "task:regression stage:archived",
        "metric.auc>=0.95 -deprecated:yes",
        "tag.region=eu age<90d",
        "demand energy -spam",
        "model:*fraud* created>2026-03-01",
        "drift:alerted",
        "approved:yes (owner:ann OR owner:bob)",
        "*",
        "c",
        "algorithm:lightgbm rows>5000",
    ];

    public static async Task RunAsync(Report report)
    {
        Search(report);
        Lineage(report);
        await Task.CompletedTask;
    }

    private static void Search(Report report)
    {
        List<LedgerEntry> entries = [.. Catalog()];
        var folding = new List<double>();
        CatalogState state = new();
        for (int round = 0; round < 5; round++)
        {
            state = new CatalogState();
            long start = Stopwatch.GetTimestamp();
            entries.ForEach(state.Apply);
            folding.Add(Milliseconds(start));
        }

        ArrayBufferWriter<byte> snapshot = new();
        state.SaveSnapshot(snapshot);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var loading = new List<double>();
        var building = new List<double>();
        CatalogIndex index = new(state);
        for (int round = 0; round < 7; round++)
        {
            CatalogState loaded = new();
            long start = Stopwatch.GetTimestamp();
            loaded.LoadSnapshot(snapshot.WrittenMemory);
            loading.Add(Milliseconds(start));
            index = new CatalogIndex(loaded);
            start = Stopwatch.GetTimestamp();
            CatalogSearch.Search(loaded, index, new CatalogQuery { Filter = CatalogFilter.Parse("fraud") }, Now.UtcTicks);
            building.Add(Milliseconds(start));
            state = loaded;
        }

        long memory = GC.GetTotalMemory(forceFullCollection: true) - before;
        report.Note("entries", entries.Count);
        report.Note("fold-entries-ms", Median(folding));
        report.Note("snapshot-bytes", snapshot.WrittenCount);
        report.Note("load-snapshot-ms", Median(loading));
        report.Note("first-search-with-index-ms", Median(building));
        report.Note("facts-and-index-bytes", memory);
        foreach (CatalogUnit unit in Enum.GetValues<CatalogUnit>())
        {
            // of each query the median of its runs; then over the queries, so that a busy machine does not count as a slow query
            double[] perQuery = [.. Queries.Select(text =>
            {
                var times = new List<double>();
                for (int round = -20; round < 100; round++)
                {
                    long start = Stopwatch.GetTimestamp();
                    CatalogSearch.Search(state, index, new CatalogQuery { Filter = CatalogFilter.Parse(text), Unit = unit }, Now.UtcTicks);
                    if (round >= 0)
                    {
                        times.Add(Milliseconds(start));
                    }
                }

                return Median(times);
            })];
            string name = $"search-{unit.ToString().ToLowerInvariant()}s-of-10000-versions";
            report.AtMost($"{name}-median-ms", Median(perQuery), 5);
            report.AtMost($"{name}-slowest-query-ms", perQuery.Max(), 5);
        }

        // a search right after a change of one model's words
        var after = new List<double>();
        for (int i = 0; i < 200; i++)
        {
            state.Apply(Entry(1_000_000 + i, LedgerKinds.ModelDescribed, new LedgerResource("model", Name(i)), new DescriptionNote(Name(i), $"about {Words[i % Words.Length]} again", null)));
            long start = Stopwatch.GetTimestamp();
            CatalogSearch.Search(state, index, new CatalogQuery { Filter = CatalogFilter.Parse("fraud alias:champion") }, Now.UtcTicks);
            after.Add(Milliseconds(start));
        }

        report.AtMost("search-after-a-change-median-ms", Median(after), 5);
    }

    private static void Lineage(Report report)
    {
        LineageState state = new();
        long start = Stopwatch.GetTimestamp();
        foreach (LedgerEntry entry in Lives())
        {
            state.Apply(entry);
        }

        report.Note("lineage-fold-ms", Milliseconds(start));
        report.Note("lineage-nodes", state.Read(g => g.Nodes));
        report.Note("lineage-edges", state.Read(g => g.Edges));
        ArrayBufferWriter<byte> snapshot = new();
        state.SaveSnapshot(snapshot);
        report.Note("lineage-snapshot-bytes", snapshot.WrittenCount);
        var loading = new List<double>();
        for (int round = 0; round < 5; round++)
        {
            state = new LineageState();
            start = Stopwatch.GetTimestamp();
            state.LoadSnapshot(snapshot.WrittenMemory);
            loading.Add(Milliseconds(start));
        }

        report.Note("lineage-load-snapshot-ms", Median(loading));
        (string Name, LineageNode Node, bool Down)[] questions =
        [
            ("impact-of-one-dataset", LineageNode.Dataset(DigestOf(17)), true),
            ("impact-of-the-source-of-all", LineageNode.Source("warehouse"), true),
            ("upstream-of-a-champion", LineageNode.Alias(Name(3), "champion"), false),
        ];
        foreach ((string name, LineageNode node, bool down) in questions)
        {
            var times = new List<double>();
            int reached = 0;
            for (int round = -5; round < 30; round++)
            {
                start = Stopwatch.GetTimestamp();
                reached = down ? ModelLineage.Impact(state, node, new LineageReach { Nodes = 100_000 }).Versions.Count : ModelLineage.Walk(state, node, down: false, new LineageReach()).Nodes.Count;
                if (round >= 0)
                {
                    times.Add(Milliseconds(start));
                }
            }

            report.Note($"lineage-{name}-found", reached);
            report.AtMost($"lineage-{name}-median-ms", Median(times), 50);
            report.AtMost($"lineage-{name}-p95-ms", Percentile(times, 0.95), 50);
        }
    }

    private static IEnumerable<LedgerEntry> Catalog()
    {
        Random random = new(7);
        string[] owners = [.. Enumerable.Range(0, 40).Select(i => i == 0 ? "ann" : i == 1 ? "bob" : $"team-{i}")];
        long number = 0;
        for (int m = 0; m < Models; m++)
        {
            string model = Name(m);
            LedgerResource resource = new("model", model);
            yield return Entry(number++, LedgerKinds.ModelDescribed, resource, new DescriptionNote(model, $"Tells the {Words[random.Next(Words.Length)]} of customers from what is known on the day before, for team {random.Next(100)}", owners[random.Next(owners.Length)]));
            yield return Entry(number++, LedgerKinds.TagSet, resource, new TagNote(model, null, random.Next(3) == 0 ? "eu" : "us", string.Empty));
            yield return Entry(number++, LedgerKinds.TagSet, resource, new TagNote(model, null, "region", random.Next(2) == 0 ? "eu" : "us"));
            yield return Entry(number++, LedgerKinds.CardEdited, resource, new CardNote(model, null, "intended-use", string.Join(' ', Enumerable.Range(0, 60).Select(_ => $"{Words[random.Next(Words.Length)]}{random.Next(50)}"))));
            for (int v = 1; v <= VersionsEach; v++)
            {
                yield return Entry(number, LedgerKinds.VersionRegistered, resource with { Version = v }, new VersionNote(model, v, DigestOf(number++), random.Next(8) == 0 ? VersionStatus.Rejected : VersionStatus.Validated, [])
                {
                    Task = (ModelTask)random.Next(3),
                    Algorithm = random.Next(2) == 0 ? "lightgbm" : "fasttree",
                    ModelFormat = "mlnet",
                    Metrics = new Dictionary<string, MetricValue> { ["auc"] = new(random.NextDouble()), ["logLoss"] = new(random.NextDouble(), 0, 1), ["accuracy"] = new(random.NextDouble()) },
                    Dataset = new DatasetInfo($"source-{random.Next(50)}", DigestOf(random.Next(500)), random.Next(10_000), 3),
                });
                if (random.Next(4) == 0)
                {
                    yield return Entry(number++, LedgerKinds.VersionDeprecated, resource, new DeprecationNote(model, v));
                }

                if (random.Next(4) == 0)
                {
                    yield return Entry(number++, LedgerKinds.StageMoved, resource, new StageNote(model, v, "validated", "archived"));
                }

                if (random.Next(10) == 0)
                {
                    yield return Entry(number++, LedgerKinds.AlertRaised, resource, new AlertNote($"a{number}", model, v, "drift", "moved", new Dictionary<string, double>()));
                }
            }

            yield return Entry(number++, LedgerKinds.AliasMoved, resource, new AliasNote(model, "champion", null, 1 + random.Next(VersionsEach), default));
        }
    }

    /// <summary>1,000 datasets of one source, 40,000 runs, 40,000 versions, and what hangs on them: over 100,000 nodes.</summary>
    private static IEnumerable<LedgerEntry> Lives()
    {
        Random random = new(8);
        long number = 0;
        int[] versions = new int[Models];
        for (int r = 0; r < 40_000; r++)
        {
            int m = r % Models;
            string run = $"run-{r}";
            yield return Entry(number++, LedgerKinds.RunStarted, new LedgerResource("run", run), new RunStart(run, Name(m), "manual", "again"));
            yield return Entry(number++, LedgerKinds.VersionRegistered, new LedgerResource("model", Name(m)), new VersionNote(Name(m), ++versions[m], DigestOf(number), VersionStatus.Validated, [])
            {
                RunId = run,
                Parent = versions[m] > 1 ? versions[m] - 1 : null,
                Dataset = new DatasetInfo("warehouse", DigestOf(random.Next(1_000)), 1_000, 0),
            });
            if (r % 2 == 0)
            {
                yield return Entry(number++, LedgerKinds.DeploymentStarted, new LedgerResource("model", Name(m)), new DeploymentNote(Name(m), versions[m], $"host-{r}"));
            }

            yield return Entry(number++, LedgerKinds.AliasMoved, new LedgerResource("model", Name(m)), new AliasNote(Name(m), "champion", null, versions[m], default));
        }
    }

    private static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"{Words[i % Words.Length]}-{Words[i / Words.Length % Words.Length]}-{i}");

    private static Digest DigestOf(long i) => Digest.Of(BitConverter.GetBytes(i));

    private static LedgerEntry Entry<T>(long number, string kind, LedgerResource resource, T note) => new()
    {
        Number = number,
        Commit = number,
        Id = $"e{number}",
        Kind = kind,
        Format = 1,
        Resource = resource,
        Outcome = LedgerOutcome.Done,
        Actor = new Actor("ann"),
        Reason = "because it passed",
        Time = Now.AddMinutes(-20 * (20_000 - Math.Min(number, 20_000))),
        Source = "bench",
        Data = LedgerData.Of(note),
    };

    private static double Milliseconds(long start) => Stopwatch.GetElapsedTime(start).TotalMilliseconds;

    private static double Median(IEnumerable<double> values) => Percentile([.. values], 0.5);

    private static double Percentile(List<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(int)(share * (sorted.Length - 1))];
    }
}
