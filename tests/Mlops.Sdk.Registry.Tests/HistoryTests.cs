using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

public sealed class HistoryTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task The_history_holds_all_that_happened_to_the_model_in_order_and_nothing_else()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.Registry.StartRunAsync(new RunStart("r1", "taxi-fare", "manual", "try"));
        await workspace.RegisterAsync("other");
        await workspace.Registry.RegisterAsync(await workspace.ManifestAsync(runId: "r1"), "passed");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "best");
        await workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", 1, "web-1"), new LedgerResource("model", "taxi-fare", 1));
        await workspace.AppendAsync(LedgerKinds.AlertRaised, new AlertNote("a1", "taxi-fare", 1, "drift", "moved", new Dictionary<string, double>()), new LedgerResource("monitor", "m"));
        IReadOnlyList<LedgerEntry> history = await workspace.Registry.HistoryAsync("taxi-fare");
        Assert.Equal(
            [LedgerKinds.RunStarted, LedgerKinds.VersionRegistered, LedgerKinds.AliasMoved, LedgerKinds.DeploymentStarted, LedgerKinds.AlertRaised],
            history.Select(e => e.Kind));
        Assert.Equal(history.Select(e => e.Number).Order(), history.Select(e => e.Number));
        Assert.All(history, e => Assert.False(string.IsNullOrWhiteSpace(e.Reason)));
    }

    [Fact]
    public async Task A_deployment_lasts_until_it_ends_or_the_host_takes_another_version()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await DeployAsync(workspace, 1, "web-1");
        await DeployAsync(workspace, 1, "web-2");
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        await DeployAsync(workspace, 2, "web-1");
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        await workspace.AppendAsync(LedgerKinds.DeploymentEnded, new DeploymentNote("taxi-fare", 2, "web-1"), new LedgerResource("model", "taxi-fare", 2));
        Assert.Equal(
            [
                new DeploymentInterval("taxi-fare", 1, "web-1", TestStore.Start, TestStore.Start.AddMinutes(1)),
                new DeploymentInterval("taxi-fare", 1, "web-2", TestStore.Start, null),
                new DeploymentInterval("taxi-fare", 2, "web-1", TestStore.Start.AddMinutes(1), TestStore.Start.AddMinutes(2)),
            ],
            await workspace.Registry.DeploymentsAsync("taxi-fare"));
    }

    [Fact]
    public async Task A_late_end_of_an_earlier_version_does_not_end_the_one_in_service()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await DeployAsync(workspace, 1, "web-1");
        await DeployAsync(workspace, 2, "web-1");
        await workspace.AppendAsync(LedgerKinds.DeploymentEnded, new DeploymentNote("taxi-fare", 1, "web-1"), new LedgerResource("model", "taxi-fare", 1));
        Assert.Null((await workspace.Registry.DeploymentsAsync("taxi-fare"))[^1].End);
    }

    private static Task DeployAsync(TestWorkspace workspace, int version, string host) =>
        workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("taxi-fare", version, host), new LedgerResource("model", "taxi-fare", version));
}
