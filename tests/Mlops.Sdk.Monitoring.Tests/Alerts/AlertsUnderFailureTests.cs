using System.Globalization;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Random signals over three hosts that crash. MLOPS_TEST_CRASHES sets how many histories are tried (default 15).</summary>
public sealed class AlertsUnderFailureTests
{
    private static readonly int Histories = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_CRASHES") ?? "15", CultureInfo.InvariantCulture);
    private static readonly AlertPolicy[] Policies =
    [
        AlertPolicy.Create("level", p => p.On("performance.*").Below(0.5).ClearAt(0.6).For(2, 3).ClearAfter(2).DampFlapping(null)),
        AlertPolicy.Create("band", p => p.On("performance.*").OutsideBand(1.5, windows: 5).ClearAfter(1).DampFlapping(null)),
        AlertPolicy.Create("many", p => p.On("performance.*").Below(0.5).Quorum(2).ClearAfter(1).DampFlapping(null)),
    ];

    [Fact]
    public async Task Whatever_crashes_the_ledger_tells_what_a_simulation_of_the_same_signals_tells() =>
        await Gen.Select(Gen.Int[0, 2], Gen.Int[0, 6], Gen.Bool, Gen.Double[0, 1], Gen.Double[0, 1]).Array[4, 25].SampleAsync(
            async steps =>
            {
                await using var world = new MonitorWorld { Watch = w => w.WithoutDriftAlert().Alert(Policies[0]).Alert(Policies[1]).Alert(Policies[2]) };
                var hosts = new (MonitorWorld.Host Host, CrashingStore Store)[3];
                for (int i = 0; i < 3; i++)
                {
                    hosts[i] = await OpenAsync(world);
                }

                var all = new List<MonitorSignal>();
                for (int step = 0; step < steps.Length; step++)
                {
                    (int on, int crash, bool after, double a, double b) = steps[step];
                    MonitorSignal[] signals = [Signal.At(step + 1, Math.Round(a, 3), "performance.a"), Signal.At(step + 1, Math.Round(b, 3), "performance.b")];
                    all.AddRange(signals);
                    hosts[on].Store.CrashAt(crash is 0 or > 3 ? null : crash, after);
                    try
                    {
                        await hosts[on].Host.Monitor.ReportAsync(signals);
                    }
                    catch (MlopsStorageException)
                    {
                        // that host is gone: another one, which may or may not see what it wrote, reports the same, and a new one takes its place
                        int next = (on + 1) % 3;
                        hosts[on] = await OpenAsync(world);
                        hosts[next] = hosts[next].Store.IsGone ? await OpenAsync(world) : hosts[next];
                        hosts[next].Store.CrashAt(null, false);
                        await hosts[next].Host.Monitor.ReportAsync(signals);
                    }
                }

                await CheckAsync(await world.HostAsync(), all);
            },
            iter: Histories,
            threads: 1);

    [Fact]
    public async Task Hosts_that_report_the_same_and_different_signals_at_once_raise_one_alert_for_each_breach()
    {
        await using var world = new MonitorWorld { Watch = w => w.WithoutDriftAlert().Alert(Policies[0]).Alert(Policies[2]) };
        MonitorWorld.Host[] hosts = [await world.HostAsync(), await world.HostAsync(), await world.HostAsync()];
        var random = new Random(5);
        for (int round = 0; round < 12; round++)
        {
            double level = round % 4 < 2 ? 0.2 : 0.9;
            MonitorSignal[] shared = [Signal.At((round * 10) + 1, level, "performance.a"), Signal.At((round * 10) + 1, level, "performance.b")];
            await Task.WhenAll(hosts.Select((h, i) => Task.Run(async () =>
            {
                await h.Monitor.ReportAsync(shared);
                await h.Monitor.ReportAsync([Signal.At((round * 10) + 2 + i, level, "performance.a", segment: null)]);
            })));
        }

        LedgerEntry[] entries = await hosts[0].EntriesAsync();
        Assert.Equal(12 * 4, entries.Count(e => e.Kind == MonitoringKinds.SignalsReported)); // the shared ones once each
        AssertOneOpenAtATime(entries);
        Assert.Contains(entries, e => e.Kind == MonitoringKinds.AlertClosed);
    }

    private static async Task CheckAsync(MonitorWorld.Host host, List<MonitorSignal> all)
    {
        LedgerEntry[] entries = await host.EntriesAsync();
        AssertOneOpenAtATime(entries);
        string[] Told(IEnumerable<(string Policy, string Signal, DateTimeOffset To)> alerts) => [.. alerts.Select(a => $"{a.Policy} {a.Signal} {a.To:HH:mm}").Order(StringComparer.Ordinal)];
        SimulationResult simulated = AlertSimulation.Run(Policies, all);
        MonitorAlert[] open = [.. await host.Monitor.OpenAlertsAsync("m")];
        MonitorAlert[] ended = [.. await host.Monitor.EndedAlertsAsync("m")];
        Assert.Equal(Told(simulated.Alerts.Select(a => (a.Policy, a.Signal, a.RaisedAt))), Told(open.Concat(ended).Select(a => (a.Policy, a.Signal, a.To!.Value))));
        Assert.Equal(Told(simulated.Alerts.Where(a => a.EndedAt is null).Select(a => (a.Policy, a.Signal, a.RaisedAt))), Told(open.Select(a => (a.Policy, a.Signal, a.To!.Value))));
    }

    private static void AssertOneOpenAtATime(LedgerEntry[] entries)
    {
        var open = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (LedgerEntry entry in entries)
        {
            if (entry.Kind == LedgerKinds.AlertRaised)
            {
                string series = $"{entry.Data.GetProperty("check").GetString()} {entry.Data.GetProperty("signal").GetString()}";
                Assert.True(open.TryAdd(series, entry.Correlation!), $"{series} fires twice");
            }
            else if (entry.Kind == MonitoringKinds.AlertClosed)
            {
                string series = Assert.Single(open, o => o.Value == entry.Correlation).Key;
                open.Remove(series);
            }
        }
    }

    private static async Task<(MonitorWorld.Host Host, CrashingStore Store)> OpenAsync(MonitorWorld world)
    {
        var store = new CrashingStore(world.Store);
        return (await world.HostAsync(store: store), store);
    }

    /// <summary>Fails at a write, before or after it took effect, and at every one from then on: a process that is gone.</summary>
    private sealed class CrashingStore(IObjectStore inner) : IObjectStore
    {
        private int? _left;
        private bool _after;

        public bool IsGone { get; private set; }

        public string Description => inner.Description;

        public void CrashAt(int? write, bool after) => (_left, _after) = (write, after);

        public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
        {
            bool now = _left is { } left && (_left = left - 1) <= 0;
            if (IsGone || (now && !_after))
            {
                IsGone = true;
                throw new MlopsStorageException("store.unavailable", "gone");
            }

            PutResult result = await inner.PutAsync(key, content, condition, cancellationToken);
            if (now)
            {
                IsGone = true;
                throw new MlopsStorageException("store.unavailable", "gone");
            }

            return result;
        }

        public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) => inner.OpenAsync(key, range, cancellationToken);

        public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.HeadAsync(key, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, after, cancellationToken);

        public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, ifMatch, cancellationToken);

        public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, cancellationToken);
    }
}
