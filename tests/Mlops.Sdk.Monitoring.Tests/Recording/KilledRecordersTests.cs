using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring.Tests.Worker;
using Mlops.Sdk.Registry;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Real processes on one folder, some of them killed as kill -9 does. <c>MLOPS_TEST_RECORD_KILLS</c> says how many rounds; the default is 1.</summary>
public sealed class KilledRecordersTests
{
    private const int Workers = 8;
    private const int Killed = 2;

    private static int Rounds => int.TryParse(Environment.GetEnvironmentVariable("MLOPS_TEST_RECORD_KILLS"), CultureInfo.InvariantCulture, out int rounds) ? rounds : 1;

    [Fact]
    public async Task Of_eight_processes_two_are_killed_and_the_merged_windows_are_what_the_others_recorded_and_those_had_flushed()
    {
        for (int round = 0; round < Rounds; round++)
        {
            DirectoryInfo folder = Directory.CreateTempSubdirectory("mlops-recorders-");
            try
            {
                await RunAsync(folder.FullName, round);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
    }

    private static async Task RunAsync(string folder, int round)
    {
        var store = new FolderObjectStore(folder);
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        MonitorWorld.Host[] hosts = [await HostAsync(store, time), await HostAsync(store, time)];
        EncodedTable trained = TestData.Sample(1, 4000);
        await hosts[0].RegisterAsync(trained);

        RecordingProcess[] workers = [.. Enumerable.Range(0, Workers).Select(w => new RecordingProcess(folder, w, flushes: 3 + ((w + round) % 5)))];
        await Task.WhenAll(workers.Select(w => w.Flushed));
        await Task.WhenAll(workers.Take(Killed).Select(w => w.KillAsync()));
        await Task.WhenAll(workers.Skip(Killed).Select(w => w.StopAsync()));

        // what the killed ones left is adopted by two hosts that race for it
        await Task.WhenAll(hosts.Select(h => h.Monitor.CheckAsync("m").AsTask()));
        time.Advance(new RecordingOptions().AbandonedAfter);
        await Task.WhenAll(hosts.Select(h => h.Monitor.CheckAsync("m").AsTask()));
        Assert.Empty(await WindowPartsTests.PartsAsync(store));

        var history = new MonitorHistory(hosts[0].Ledger, store);
        MonitorWindow[] closed = await history.ListAsync("m").ToArrayAsync(TestContext.Current.CancellationToken);
        MonitorWindow merged = MonitorWindow.Merge("merged", closed);
        long survivors = workers.Skip(Killed).Sum(w => (long)w.Rows);

        // a killed process may have flushed once more than it could say: after 200 rows or, by closing, after 77 more
        long left = merged.Rows - survivors;
        (int First, int Second)[] possible = [.. from a in Boundaries(workers[0].Rows) from b in Boundaries(workers[1].Rows) where a + b == left select (a, b)];
        Assert.NotEmpty(possible);
        MonitorWindow[] expected = [.. possible.Select(p => Expected(trained, [p.First, p.Second, .. workers.Skip(Killed).Select(w => w.Rows)]))];
        MonitorWindow match = expected.FirstOrDefault(e => e.Features.Zip(merged.Features).All(f => f.First.Counts.SequenceEqual(f.Second.Counts))) ?? expected[0];
        PredictionRecorderTests.Same(match, merged);
        foreach (RecordingProcess worker in workers)
        {
            worker.Dispose();
        }

        foreach (MonitorWorld.Host host in hosts)
        {
            await host.Monitor.DisposeAsync();
            await host.Ledger.DisposeAsync();
        }
    }

    private static int[] Boundaries(int reported) => [reported, reported + 77, reported + 277];

    private static MonitorWindow Expected(EncodedTable trained, int[] rows)
    {
        var recorder = new PredictionRecorder(TimeProvider.System, new TimeOrderedIdGenerator(TimeProvider.System));
        recorder.Watch("m", 1, TestData.Schema, ReferenceProfile.Of(trained, TestData.Answers(trained)));
        for (int worker = 0; worker < rows.Length; worker++)
        {
            for (int row = 0; row < rows[worker]; row++)
            {
                (float[] numbers, string?[] texts, float[] outputs) = RecordedRows.Of(worker, row);
                recorder.Record("m", 1, new ModelRow(numbers, texts), outputs);
            }
        }

        return recorder.TakeWindows("m")[0];
    }

    private static async Task<MonitorWorld.Host> HostAsync(IObjectStore store, FakeTimeProvider time)
    {
        var ids = new TimeOrderedIdGenerator(TimeProvider.System);
        ObjectLedger ledger = await ObjectLedger.OpenAsync(store, ids: ids);
        var artifacts = new ArtifactStore(store);
        var recorder = new PredictionRecorder(time, ids);
        ModelRegistry registry = await ModelRegistry.CreateAsync(ledger, artifacts);
        var trigger = new FakeTrigger();
        return new MonitorWorld.Host(ledger, artifacts, registry, recorder, trigger, new ModelMonitor(ledger, registry, artifacts, store, recorder, ids, time, trigger: trigger));
    }

    /// <summary>A process that records until it is killed or told to stop.</summary>
    private sealed class RecordingProcess : IDisposable
    {
        private static readonly string Host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        private readonly Process _process;
        private readonly TaskCompletionSource _flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _reading;
        private readonly Task<string> _errors;

        internal RecordingProcess(string folder, int worker, int flushes)
        {
            string program = Path.Combine(AppContext.BaseDirectory, "Mlops.Sdk.Monitoring.Tests.Worker.dll");
            string[] arguments = ["exec", program, folder, worker.ToString(CultureInfo.InvariantCulture)];
            _process = Process.Start(new ProcessStartInfo(Host, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            _errors = _process.StandardError.ReadToEndAsync();
            _reading = Task.Run(() => ReadAsync(flushes));
        }

        /// <summary>Gets how many rows it said were flushed or, at the end, recorded.</summary>
        internal int Rows { get; private set; }

        internal Task Flushed => _flushed.Task;

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            _process.Dispose();
        }

        internal async Task KillAsync()
        {
            _process.Kill();
            await _reading;
            await _process.WaitForExitAsync();
        }

        internal async Task StopAsync()
        {
            _process.StandardInput.Close();
            await _reading;
            await _process.WaitForExitAsync();
            Assert.True(_process.ExitCode == 0, await _errors);
        }

        private async Task ReadAsync(int flushes)
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.Split(' ') is [_, var rows] && int.TryParse(rows, CultureInfo.InvariantCulture, out int n))
                {
                    Rows = n;
                    if (--flushes == 0)
                    {
                        _flushed.TrySetResult();
                    }
                }
            }

            _flushed.TrySetException(new InvalidOperationException($"The worker ended by itself: {await _errors}"));
        }
    }
}
