using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>The code of docs/guides/registry.md, run.</summary>
public sealed class RegistryGuideTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task Versions_and_aliases()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelRegistry registry = workspace.Registry;
        IArtifactStore artifacts = workspace.Artifacts;
        using MemoryStream file = new([1, 2, 3]);
        ModelSchema schema = (await workspace.ManifestAsync()).Schema;
        #region register
        ArtifactInfo model = await artifacts.WriteAsync(file);
        ModelVersion version = await registry.RegisterAsync(
            new ModelManifest
            {
                Model = "taxi-fare",
                ModelFormat = "mlnet",
                Algorithm = "lightgbm",
                Files = [new ModelFile("model.zip", model.Digest, model.Length)],
                Schema = schema,
                Metrics = new Dictionary<string, MetricValue> { ["rmse"] = new(2.31, 2.25, 2.37) },
            },
            reason: "first model on the trips of spring");
        #endregion
        Assert.Equal(1, version.Number);
        await workspace.RegisterAsync(content: "2");
        #region alias
        await registry.MoveAliasAsync("taxi-fare", "champion", version: 1, reason: "first to go into service", expected: 0);
        await registry.MoveAliasAsync("taxi-fare", "champion", version: 2, reason: "better at night", expected: 1);
        AliasMove back = await registry.RollbackAsync("taxi-fare", "champion", reason: "answers too slowly");
        ModelVersion? champion = await registry.FindAliasAsync("taxi-fare", "champion"); // version 1
        #endregion
        Assert.Equal((1, 1), (back.To, champion!.Number));
        _store.Time.Advance(TimeSpan.FromHours(3));
        DateTimeOffset twoOClock = TestStore.Start.AddHours(2);
        #region history
        IReadOnlyList<AliasMove> moves = await registry.AliasHistoryAsync("taxi-fare", "champion");
        ModelVersion? then = await registry.FindAliasAtAsync("taxi-fare", "champion", twoOClock);
        IReadOnlyList<DeploymentInterval> answering = await registry.VersionsInServiceAtAsync("taxi-fare", twoOClock);
        foreach (ModelChange change in await registry.ChangesAsync("taxi-fare"))
        {
            Console.WriteLine($"{change.At:u} {change.By}: {change.What} {change.From} -> {change.To}: {change.Reason}");
        }
        #endregion
        Assert.Equal((3, 1, 0), (moves.Count, then!.Number, answering.Count));
    }

    [Fact]
    public async Task Life_of_a_version()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelRegistry registry = workspace.Registry;
        ModelManifest manifest = await workspace.ManifestAsync();
        #region stages
        ModelVersion draft = await registry.RegisterAsync(manifest, "to look at together", VersionStages.Draft);
        await registry.MoveStageAsync("taxi-fare", draft.Number, VersionStages.Registered, "complete");
        await registry.MoveStageAsync("taxi-fare", draft.Number, VersionStages.Validated, "gates passed by hand");
        #endregion
        Assert.Equal(VersionStages.Validated, (await registry.FindVersionAsync("taxi-fare", 1))!.Stage);
        await workspace.RegisterAsync(content: "2");
        #region describe
        await registry.DescribeAsync("taxi-fare", description: "Predicts the fare of a ride.", owner: "team-rides", reason: "handed over");
        await registry.SetTagAsync("taxi-fare", version: null, "region", "eu", reason: "trained for Europe");
        await registry.SetTagAsync("taxi-fare", version: 2, "reviewed", string.Empty, reason: "looked through");
        await registry.DeprecateVersionAsync("taxi-fare", version: 1, reason: "drifts at night", successor: 2);
        #endregion
        Assert.Equal(2, (await registry.FindVersionAsync("taxi-fare", 1))!.Deprecation!.Successor);
        #region delete
        ModelVersion deleted = await registry.DeleteVersionAsync("taxi-fare", version: 1, reason: "trained on data that we may not use");
        #endregion
        Assert.True(deleted.Deleted);
    }

    [Fact]
    public async Task Comparison()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        ModelRegistry registry = workspace.Registry;
        ModelManifest manifest = await workspace.ManifestAsync();
        await registry.RegisterAsync(manifest, "why");
        await registry.RegisterAsync(manifest with { Schema = manifest.Schema with { Inputs = [.. manifest.Schema.Inputs, new ModelInput("Tip", InputKind.Number, "Tip")] } }, "why");
        await registry.MoveAliasAsync("taxi-fare", "champion", 1, "why");
        #region compare
        VersionComparison difference = await registry.CompareAsync("taxi-fare", from: 1, to: 2);
        Console.WriteLine(difference.ToMarkdown());
        if (difference.Breaking)
        {
            await registry.MoveAliasAsync("taxi-fare", "champion", 2, reason: "all callers send the tip now", allowBreaking: true);
        }
        #endregion
        Assert.Equal(2, (await registry.FindAliasAsync("taxi-fare", "champion"))!.Number);
    }

    [Fact]
    public async Task Options_reach_the_registry_of_a_container()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        Builder builder = new();
        builder.Services.AddSingleton(workspace.Ledger).AddSingleton(workspace.Artifacts);
        LifecyclePolicy policy = new(new Dictionary<string, IReadOnlyList<string>> { ["new"] = ["old"], ["bad"] = [] }, "new", "bad", ["new"]);
        #region options
        builder.AddRegistry(options =>
        {
            options.Lifecycle = policy;
            options.RefuseBreakingChanges = false;
        });
        #endregion
        await using ServiceProvider provider = builder.Services.BuildServiceProvider(validateScopes: true);
        Assert.Equal("new", (await provider.GetRequiredService<IModelRegistry>().RegisterAsync(await workspace.ManifestAsync(), "why")).Stage);
        Builder wrong = new();
        wrong.Services.AddSingleton(workspace.Ledger).AddSingleton(workspace.Artifacts);
        wrong.AddRegistry(options => options.Lifecycle = null!);
        await using ServiceProvider without = wrong.Services.BuildServiceProvider();
        Assert.Equal("registry.invalid_lifecycle", Assert.Throws<MlopsException>(() => without.GetRequiredService<IModelRegistry>()).Code);
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}
