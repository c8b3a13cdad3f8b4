using System.Text.Json;
using Mlops.Sdk.Registry.Tests.Catalog;
using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Lineage;

public sealed class LineageTests
{
    private readonly TestStore _store = new();
    private static readonly Digest Data = RandomLedger.DigestOf(1);

    [Fact]
    public async Task A_dataset_tells_which_aliases_and_hosts_depend_on_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await CatalogSearchTests.FilledAsync(workspace);
        #region impact
        LineageImpact impact = await discovery.Lineage.ImpactAsync(LineageNode.Dataset(Data));
        Console.WriteLine($"Versions {string.Join(", ", impact.Versions.Select(v => v.Name))}; live as {string.Join(", ", impact.Aliases.Select(a => a.Name))} on {impact.Deployments.Count} hosts.");
        #endregion
        Assert.Equal(["r1"], impact.Runs.Select(n => n.Name));
        Assert.Equal(["fraud/2"], impact.Versions.Select(n => n.Name));
        Assert.Equal(["fraud@champion"], impact.Aliases.Select(n => n.Name));
        Assert.Equal(["fraud@web-1"], impact.Deployments.Select(n => n.Name));
        Assert.Equal(["fraud/2/drift"], impact.Monitors.Select(n => n.Name));
        Assert.Equal(["alert", "decision"], impact.Others.Select(n => n.Kind).Order());
        Assert.Equal(impact.Versions, (await discovery.Lineage.ImpactAsync(LineageNode.Source("payments.csv"))).Versions);
    }

    [Fact]
    public async Task An_alias_hangs_on_the_version_it_names_now_and_a_host_on_the_one_it_serves()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await CatalogSearchTests.FilledAsync(workspace);
        await workspace.RegisterAsync("fraud", "three");
        await workspace.Registry.MoveAliasAsync("fraud", "champion", 3, "better");
        await workspace.AppendAsync(LedgerKinds.DeploymentEnded, new DeploymentNote("fraud", 2, "web-1"), CatalogSearchTests.Model("fraud", 2));
        LineageImpact impact = await discovery.Lineage.ImpactAsync(LineageNode.Dataset(Data));
        Assert.Empty(impact.Aliases);
        Assert.Empty(impact.Deployments);
        LineageGraph champion = await discovery.Lineage.UpstreamAsync(LineageNode.Alias("fraud", "champion"));
        Assert.Equal(["fraud@champion", "fraud/3"], champion.Nodes.Select(n => n.Node.Name));
        LineageGraph before = await discovery.Lineage.UpstreamAsync(LineageNode.Version("fraud", 3), new LineageReach { Context = true });
        Assert.Contains(before.Edges, e => e.Relation == "followed" && e.From.Name == "fraud/2");
    }

    [Fact]
    public async Task Declared_features_stand_between_data_and_versions()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await CatalogSearchTests.FilledAsync(workspace);
        #region link
        await discovery.Lineage.LinkAsync(LineageNode.Dataset(Data), LineageNode.Feature("spend-30d"), "made", "computed nightly");
        await discovery.Lineage.LinkAsync(LineageNode.Feature("spend-30d"), LineageNode.Version("taxi-fare", 1), "used", "read at training");
        LineageGraph way = await discovery.Lineage.BetweenAsync(LineageNode.Dataset(Data), LineageNode.Version("taxi-fare", 1));
        Console.WriteLine(way.ToMermaid());
        #endregion
        Assert.Equal(["dataset", "feature", "version"], way.Nodes.Select(n => n.Node.Kind));
        Assert.Equal(["taxi-fare/1"], (await discovery.Lineage.ImpactAsync(LineageNode.Feature("spend-30d"))).Versions.Select(n => n.Name));
        int entries = (await workspace.EntriesAsync()).Count;
        await discovery.Lineage.LinkAsync(LineageNode.Feature("spend-30d"), LineageNode.Version("taxi-fare", 1), "used", "again");
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);
        Assert.Equal(["payments.csv"], (await discovery.Lineage.FindAsync(LineageKinds.Dataset, "PAYM")).Select(f => f.Label));
    }

    [Fact]
    public async Task A_circle_that_somebody_declared_is_walked_once()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelLineage lineage = CatalogSearchTests.Discover(workspace).Lineage;
        foreach ((string from, string to) in ((string, string)[])[("a", "b"), ("b", "c"), ("c", "a")])
        {
            await lineage.LinkAsync(LineageNode.Feature(from), LineageNode.Feature(to), "used", "why");
        }

        Assert.Equal(["b", "c"], (await lineage.ImpactAsync(LineageNode.Feature("a"))).Features.Select(f => f.Name));
        Assert.Equal(3, (await lineage.BetweenAsync(LineageNode.Feature("a"), LineageNode.Feature("c"))).Nodes.Count);
        LineageGraph near = await lineage.DownstreamAsync(LineageNode.Feature("a"), new LineageReach { Depth = 1 });
        Assert.Equal((2, false), (near.Nodes.Count, near.IsComplete));
        Assert.False((await lineage.DownstreamAsync(LineageNode.Feature("a"), new LineageReach { Nodes = 2 })).IsComplete);
        Assert.Equal("lineage.not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await lineage.ImpactAsync(LineageNode.Feature("z")))).Code);
    }

    [Fact]
    public async Task A_connection_that_breaks_the_rules_is_refused()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelLineage lineage = CatalogSearchTests.Discover(workspace).Lineage;
        LineageNode good = LineageNode.Feature("a");
        (LineageNode From, LineageNode To, string Relation)[] bad =
        [
            (good, good, "used"), (good, LineageNode.Feature("b"), "followed"), (good, LineageNode.Feature("b"), "Used!"), (good, LineageNode.Feature("b"), ""),
            (new LineageNode("", "x"), good, "used"), (new LineageNode("Feature", "x"), good, "used"), (LineageNode.Feature(""), good, "used"),
            (LineageNode.Feature("a\nb"), good, "used"), (LineageNode.Feature(new string('x', 513)), good, "used"),
        ];
        foreach ((LineageNode from, LineageNode to, string relation) in bad)
        {
            Assert.Equal("lineage.invalid_link", (await Assert.ThrowsAsync<MlopsDataException>(async () => await lineage.LinkAsync(from, to, relation, "why"))).Code);
        }

        Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await lineage.LinkAsync(good, LineageNode.Feature("b"), "used", " "))).Code);
        Assert.Empty(await workspace.EntriesAsync());
    }

    [Fact]
    public async Task Runs_are_told_as_OpenLineage_events_with_inputs_outputs_and_errors()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await CatalogSearchTests.FilledAsync(workspace);
        await workspace.Registry.StartRunAsync(new RunStart("0190a0b1c2d37e4f8a9b0c1d2e3f4a5b", "fraud", "drift:a1", "again"));
        await workspace.AppendAsync(LedgerKinds.RunDataUsed, new DataUseNote("0190a0b1c2d37e4f8a9b0c1d2e3f4a5b", "payments", RandomLedger.DigestOf(7), "payments-2026.csv", "training"), new LedgerResource("run", "0190a0b1c2d37e4f8a9b0c1d2e3f4a5b"));
        await workspace.Registry.EndRunAsync(new RunEnd("0190a0b1c2d37e4f8a9b0c1d2e3f4a5b", RunStatus.Failed, "disk full"));
        List<JsonElement> events = [];
        #region openlineage
        await foreach (string json in discovery.Lineage.OpenLineageAsync())
        {
            events.Add(JsonDocument.Parse(json).RootElement); // or send it to a lineage server
        }
        #endregion
        Assert.Equal(["START", "COMPLETE", "START", "FAIL"], events.Select(e => e.GetProperty("eventType").GetString()));
        Assert.All(events, CheckEvent);
        JsonElement complete = events[1];
        Assert.Equal(events[0].GetProperty("run").GetProperty("runId").GetString(), complete.GetProperty("run").GetProperty("runId").GetString());
        Assert.Equal(Data.ToString(), complete.GetProperty("inputs")[0].GetProperty("facets").GetProperty("version").GetProperty("datasetVersion").GetString());
        Assert.Equal("Distance", complete.GetProperty("inputs")[0].GetProperty("facets").GetProperty("schema").GetProperty("fields")[0].GetProperty("name").GetString());
        Assert.Equal("fraud", complete.GetProperty("outputs")[0].GetProperty("name").GetString());
        Assert.Equal(0.76, complete.GetProperty("outputs")[0].GetProperty("facets").GetProperty("mlops_model").GetProperty("metrics").GetProperty("auc").GetDouble());
        Assert.Equal("disk full", events[3].GetProperty("run").GetProperty("facets").GetProperty("errorMessage").GetProperty("message").GetString());
        Assert.Equal("payments", events[3].GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal("0190a0b1-c2d3-7e4f-8a9b-0c1d2e3f4a5b", events[2].GetProperty("run").GetProperty("runId").GetString());
        Assert.Contains((await discovery.Lineage.ImpactAsync(LineageNode.Version("fraud", 2), new LineageReach { Context = true })).Runs, r => r.Name.StartsWith("0190", StringComparison.Ordinal));

        List<string> one = [];
        await foreach (string json in discovery.Lineage.OpenLineageAsync("r1"))
        {
            one.Add(json);
        }

        Assert.Equal(events.Take(2).Select(e => e.GetRawText()), one);
    }

    [Fact]
    public void Saving_loading_and_going_on_equals_folding_all_to_the_last_byte() => RandomLedger.Entries().Sample(
        entries => SnapshotConformance.Check(() => new LineageState(), entries),
        iter: 40);

    [Fact]
    public void Holes_of_moved_aliases_are_closed_and_change_no_answer()
    {
        LineageState state = new();
        LedgerResource model = new("model", "m");
        for (int i = 0; i < 3; i++)
        {
            state.Apply(RandomLedger.Of(i, LedgerKinds.VersionRegistered, model, new VersionNote("m", i + 1, RandomLedger.DigestOf(i), VersionStatus.Validated, [])));
        }

        for (int i = 0; i < 5_000; i++)
        {
            state.Apply(RandomLedger.Of(3 + i, LedgerKinds.AliasMoved, model, new AliasNote("m", i % 2 == 0 ? "champion" : "challenger", null, 1 + (i % 3), default)));
        }

        Assert.Equal(2, state.Read(g => g.Edges)); // three versions that follow nothing, two aliases
        LineageState loaded = new();
        loaded.LoadSnapshot(RandomLedger.Save(state));
        foreach (LineageState one in (LineageState[])[state, loaded])
        {
            Assert.Equal(["m/2"], ModelLineage.Walk(one, LineageNode.Alias("m", "challenger"), down: false, new LineageReach()).Nodes.Skip(1).Select(n => n.Node.Name));
        }
    }

    [Fact]
    public void A_walk_reaches_what_following_each_edge_reaches() => Gen.Select(Gen.Int[0, 9], Gen.Int[0, 9]).Array[0, 30].Sample(
        pairs =>
        {
            LineageState state = new();
            state.Apply(RandomLedger.Of(0, LedgerKinds.Linked, new LedgerResource("lineage", "x"), new LinkNote(new LinkEnd("feature", "0"), new LinkEnd("feature", "other"), "used")));
            foreach ((int from, int to) in pairs)
            {
                state.Apply(RandomLedger.Of(1, LedgerKinds.Linked, new LedgerResource("lineage", "x"), new LinkNote(new LinkEnd("feature", $"{from}"), new LinkEnd("feature", $"{to}"), "used")));
            }

            HashSet<string> slow = ["0", "other"];
            for (int round = 0; round < 12; round++)
            {
                slow.UnionWith(pairs.Where(p => slow.Contains($"{p.Item1}")).Select(p => $"{p.Item2}"));
            }

            LineageGraph fast = ModelLineage.Walk(state, LineageNode.Feature("0"), down: true, new LineageReach());
            Assert.Equal(slow.Order(), fast.Nodes.Select(n => n.Node.Name).Order());
            Assert.Equal(pairs.Where(p => slow.Contains($"{p.Item1}") && p.Item1 != p.Item2).Distinct().Count() + 1, fast.Edges.Count);
        },
        iter: 1_000);

    [Fact]
    public void No_name_breaks_out_of_a_drawing() => Gen.Select(Gen.String[Gen.Char["a\"\\<>[]{}|;#%&\n\r-=`()é中\u2028"], 1, 20], Gen.String[1, 10]).Sample(
        (name, label) =>
        {
            LineageNode one = new("feature", name);
            LineageNode other = new("x", "y");
            LineageGraph graph = new([new LineageFact(one, label, 0), new LineageFact(other, null, 1)], [new LineageEdge(one, other, "used", 1)], true);
            string[] mermaid = graph.ToMermaid().Split('\n');
            Assert.Equal(5, mermaid.Length);
            Assert.Matches("^  n0\\[\"[^\"\\[\\]{}<>|]*\"\\]$", mermaid[1]);
            string[] dot = graph.ToDot().Split('\n');
            Assert.Equal(8, dot.Length);
            Assert.Matches("^  n0 \\[label=\"(?:[^\"\\\\]|\\\\[\"\\\\])*\"\\];$", dot[3]);
        },
        iter: 2_000);

    [Theory]
    [InlineData("r1")]
    [InlineData("")]
    [InlineData("0190A0B1C2D37E4F8A9B0C1D2E3F4A5B")]
    public void A_run_id_has_one_uuid(string id)
    {
        string uuid = OpenLineageWriter.Uuid(id);
        Assert.Equal(uuid, OpenLineageWriter.Uuid(id));
        Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", uuid);
        Assert.NotEqual(uuid, OpenLineageWriter.Uuid(id + "x"));
    }

    /// <summary>What OpenLineage.json 2-0-2 demands of a run event.</summary>
    private static void CheckEvent(JsonElement e)
    {
        Assert.True(DateTimeOffset.TryParse(e.GetProperty("eventTime").GetString(), out _));
        Assert.True(Uri.IsWellFormedUriString(e.GetProperty("producer").GetString(), UriKind.Absolute));
        Assert.Equal("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent", e.GetProperty("schemaURL").GetString());
        Assert.True(Guid.TryParseExact(e.GetProperty("run").GetProperty("runId").GetString(), "D", out _));
        foreach (JsonElement named in e.GetProperty("inputs").EnumerateArray().Concat(e.GetProperty("outputs").EnumerateArray()).Append(e.GetProperty("job")))
        {
            Assert.False(string.IsNullOrEmpty(named.GetProperty("namespace").GetString()));
            Assert.False(string.IsNullOrEmpty(named.GetProperty("name").GetString()));
            CheckFacets(named);
        }

        CheckFacets(e.GetProperty("run"));
    }

    private static void CheckFacets(JsonElement of)
    {
        foreach (JsonProperty facet in of.GetProperty("facets").EnumerateObject())
        {
            Assert.True(Uri.IsWellFormedUriString(facet.Value.GetProperty("_producer").GetString(), UriKind.Absolute));
            Assert.True(Uri.TryCreate(facet.Value.GetProperty("_schemaURL").GetString(), UriKind.Absolute, out _));
        }
    }

    private static LineageState Folded(IEnumerable<LedgerEntry> entries)
    {
        LineageState state = new();
        foreach (LedgerEntry entry in entries)
        {
            state.Apply(entry);
        }

        return state;
    }
}
