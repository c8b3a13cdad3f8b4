using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Catalog;

public sealed class CatalogSearchTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_champion_is_found_by_words_alias_metric_tag_and_owner_with_all_one_needs_to_judge_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await FilledAsync(workspace);
        #region search
        CatalogPage page = await discovery.Catalog.SearchAsync("payments alias:champion metric.auc>0.7 tag:eu owner:ann");
        CatalogHit best = page.Hits[0];
        Console.WriteLine($"{best.Model} v{best.Version}: {best.Description} ({best.Stage}, AUC {best.Metrics["auc"].Value:0.00})\n{best.Use}");
        #endregion
        Assert.Equal(1, page.Total);
        Assert.Equal(("fraud", 2), (best.Model, best.Version));
        Assert.Equal("Finds fraud in payments", best.Description);
        Assert.Equal("ann", best.Owner);
        Assert.Equal(ModelTask.Binary, best.Task);
        Assert.Equal(2, best.Aliases["champion"]);
        Assert.Equal(["bob"], best.ApprovedBy);
        Assert.Equal(["web-1"], best.Hosts);
        Assert.Equal(CatalogDrift.Alerted, best.Drift);
        Assert.True(best.IsComplete);
        Assert.Equal("IPredictor<Input, Output> predictor = await mlops.ServeAsync<Input, Output>(\"fraud\");", best.Use);
        Assert.Equal("eu", best.Tags.Keys.Single());
    }

    [Fact]
    public async Task Typed_filters_ask_the_same_as_text()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await FilledAsync(workspace);
        #region typed
        CatalogFilter filter = CatalogFilter.Words("payments")
            & CatalogFilter.Metric("auc", CatalogComparison.Greater, 0.7)
            & !CatalogFilter.Deprecated();
        CatalogPage page = await discovery.Catalog.SearchAsync(new CatalogQuery { Filter = filter, Unit = CatalogUnit.Version, Order = CatalogOrder.Newest });
        string text = filter.ToString(); // payments metric.auc>0.7 -deprecated:yes
        IReadOnlyList<CatalogFacetValue> owners = page.Facets["owner"];
        #endregion
        Assert.Equal("payments metric.auc>0.7 -deprecated:yes", text);
        Assert.Equal(["ann"], owners.Select(o => o.Value));
        Assert.Equal([2], page.Hits.Select(h => h.Version));
    }

    [Fact]
    public async Task Names_and_champions_stand_before_mentions_and_deprecated_versions_behind()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await FilledAsync(workspace);
        await workspace.RegisterAsync("about-fraud", "x");
        await workspace.AppendAsync(LedgerKinds.ModelDescribed, new DescriptionNote("taxi-fare", "has nothing to do with fraud", null), Model("taxi-fare"));
        CatalogPage page = await discovery.Catalog.SearchAsync("fraud");
        Assert.Equal(["fraud", "about-fraud", "taxi-fare"], page.Hits.Select(h => h.Model));
        await workspace.AppendAsync(LedgerKinds.VersionDeprecated, new DeprecationNote("about-fraud", 1), Model("about-fraud"));
        Assert.Equal(["fraud", "taxi-fare", "about-fraud"], (await discovery.Catalog.SearchAsync("fraud")).Hits.Select(h => h.Model));
    }

    [Fact]
    public async Task What_another_process_wrote_is_found_by_the_next_search()
    {
        await using TestWorkspace one = await _store.OpenAsync();
        await using TestWorkspace other = await _store.OpenAsync();
        ModelDiscovery discovery = Discover(one);
        Assert.Equal(0, (await discovery.Catalog.SearchAsync("churn")).Total);
        await other.RegisterAsync("churn");
        Assert.Equal(1, (await discovery.Catalog.SearchAsync("churn")).Total);
        await other.AppendAsync(LedgerKinds.TagSet, new TagNote("churn", null, "region", "Côte d'Azur"), Model("churn"));
        Assert.Equal(1, (await discovery.Catalog.SearchAsync("cote azur")).Total);
        await other.AppendAsync(LedgerKinds.TagSet, new TagNote("churn", null, "region", null), Model("churn"));
        Assert.Equal(0, (await discovery.Catalog.SearchAsync("azur")).Total);
    }

    [Fact]
    public async Task A_deleted_version_is_found_only_when_asked_for()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await FilledAsync(workspace);
        await workspace.AppendAsync(LedgerKinds.VersionDeleted, new TombstoneNote("taxi-fare", 1, default), Model("taxi-fare"));
        Assert.Equal(0, (await discovery.Catalog.SearchAsync("model:taxi-fare")).Total);
        CatalogHit gone = Assert.Single((await discovery.Catalog.SearchAsync("state:deleted")).Hits);
        Assert.True(gone.Deleted);
        Assert.StartsWith("// taxi-fare version 1 was deleted", gone.Use, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_schema_comes_from_the_manifest_and_versions_that_take_the_same_have_one_digest()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await FilledAsync(workspace);
        CatalogPage page = await discovery.Catalog.SearchAsync(new CatalogQuery { Unit = CatalogUnit.Version, Schema = true });
        Assert.Equal(3, page.Total);
        Assert.Single(page.Hits.Select(h => h.SchemaDigest!.Value).Distinct());
        Assert.All(page.Hits, h => Assert.Equal("Distance", h.Schema!.Inputs[0].Name));
    }

    [Fact]
    public async Task A_model_that_a_newer_library_wrote_about_is_marked()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelDiscovery discovery = await FilledAsync(workspace);
        await workspace.AppendAsync(LedgerKinds.AliasMoved, new AliasNote("taxi-fare", "champion", null, 1, default), Model("taxi-fare"), format: 2);
        Assert.Equal([("fraud", true), ("taxi-fare", false)], (await discovery.Catalog.ListAsync()).Hits.Select(h => (h.Model, h.IsComplete)));
        Assert.Equal("registry.newer_format", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await discovery.Cards.CardAsync("taxi-fare", 1))).Code);
    }

    [Fact]
    public async Task Numbers_out_of_range_are_refused()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        CatalogSearch catalog = Discover(workspace).Catalog;
        foreach (CatalogQuery query in (CatalogQuery[])[new() { Take = 1_001 }, new() { Take = -1 }, new() { Skip = -1 }, new() { FacetValues = 1_001 }, new() { FacetValues = -1 }])
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await catalog.SearchAsync(query));
        }

        await Assert.ThrowsAsync<ArgumentNullException>(async () => await catalog.SearchAsync(new CatalogQuery { Order = CatalogOrder.MetricHighestFirst }));
    }

    [Fact]
    public async Task The_container_has_the_views_once()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        Builder builder = new();
        builder.Services.AddSingleton(workspace.Ledger).AddSingleton(workspace.Artifacts);
        builder.AddRegistry().AddRegistry();
        await using ServiceProvider provider = builder.Services.BuildServiceProvider(validateScopes: true);
        ModelDiscovery discovery = provider.GetRequiredService<ModelDiscovery>();
        Assert.Same(discovery.Catalog, provider.GetRequiredService<CatalogSearch>());
        Assert.Same(discovery.Cards, provider.GetRequiredService<ModelCards>());
        Assert.Same(discovery.Lineage, provider.GetRequiredService<ModelLineage>());
        await workspace.RegisterAsync("churn");
        Assert.Equal(1, (await discovery.Catalog.SearchAsync("churn")).Total);
    }

    internal static ModelDiscovery Discover(TestWorkspace workspace) => ModelDiscovery.Create(workspace.Ledger, workspace.Artifacts, workspace.Registry);

    internal static LedgerResource Model(string name, int? version = null) => new("model", name, version);

    /// <summary>Two models: fraud with a champion in service that drifts, and taxi-fare.</summary>
    internal static async Task<ModelDiscovery> FilledAsync(TestWorkspace workspace)
    {
        await workspace.Registry.StartRunAsync(new RunStart("r1", "fraud", "manual", "try"));
        await workspace.RegisterAsync("fraud", "one", VersionStatus.Rejected);
        ModelManifest manifest = await workspace.ManifestAsync("fraud", "two", "r1");
        ModelVersion second = await workspace.Registry.RegisterAsync(manifest with { Dataset = new DatasetInfo("payments.csv", RandomLedger.DigestOf(1), 900, 3) { From = "2025-01-01", To = "2025-12-31", TrainingRows = 700, TestRows = 200 } }, "passed its gates");
        await workspace.RegisterAsync("taxi-fare");
        await workspace.AppendAsync(LedgerKinds.ModelDescribed, new DescriptionNote("fraud", "Finds fraud in payments", "ann"), Model("fraud"));
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("fraud", null, "eu", string.Empty), Model("fraud"));
        await workspace.AppendAsync(LedgerKinds.VersionDeprecated, new DeprecationNote("fraud", 1, 2), Model("fraud", 1));
        workspace.Actors.Current = new Actor("bob");
        await workspace.AppendAsync(LedgerKinds.ApprovalGiven, new ApprovalNote("fraud", 2, second.Digest), Model("fraud", 2));
        workspace.Actors.Current = new Actor("ada");
        await workspace.Registry.MoveAliasAsync("fraud", "champion", 2, "best");
        await workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("fraud", 2, "web-1"), Model("fraud", 2));
        await workspace.AppendAsync(LedgerKinds.AlertRaised, new AlertNote("a1", "fraud", 2, "drift", "amounts moved", new Dictionary<string, double>()), Model("fraud", 2));
        return Discover(workspace);
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}
