using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Tracking;

/// <summary>A tracker on a store that other trackers may stand on too.</summary>
internal sealed record TrackingWorkspace(TestStore Store, TestWorkspace Workspace, RecordLogs Logs, RunTracker Tracker) : IAsyncDisposable
{
    internal static async Task<TrackingWorkspace> OpenAsync(TestStore? store = null)
    {
        store ??= new TestStore();
        TestWorkspace workspace = await store.OpenAsync();
        var logs = new RecordLogs(store.Store, workspace.Ledger, store.Time);
        return new TrackingWorkspace(store, workspace, logs, new RunTracker(workspace.Ledger, workspace.Artifacts, workspace.Registry, logs, store.Time));
    }

    public async ValueTask DisposeAsync()
    {
        await Tracker.DisposeAsync();
        await Workspace.DisposeAsync();
    }

    internal ValueTask<TrackedRun> StartAsync(string runId, string experiment = "fares", RunOptions? options = null, params (string Key, string Value)[] parameters) =>
        Tracker.StartRunAsync(new RunStart(runId, experiment, "manual", "to see") { Parameters = parameters.ToDictionary(p => p.Key, p => p.Value) }, options);

    internal async Task<MetricPoint[]> HistoryAsync(string runId, string metric, MetricQuery? query = null) => await Tracker.MetricHistoryAsync(runId, metric, query).ToArrayAsync();

    internal async Task<string[]> FindAsync(string filter, params string[] order) =>
        [.. (await Tracker.SearchRunsAsync(new RunQuery { Filter = RunFilter.Parse(filter), OrderBy = [.. order.Select(RunOrder.Parse)] })).Runs.Select(r => r.RunId)];
}

internal static class Any
{
    internal static Gen<T> Of<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
