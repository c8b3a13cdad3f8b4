using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Core.Tests.Ledger.Following;

/// <summary>Real processes that follow one ledger under one name, killed as kill -9 does.</summary>
public sealed class KilledFollowerTests : IDisposable
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_KILL_ROUNDS") ?? "2", CultureInfo.InvariantCulture);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task When_the_working_follower_is_killed_the_other_takes_over_and_every_entry_counts_exactly_once()
    {
        var store = new FolderObjectStore(_folder.Path);
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
        var said = new List<(long Number, long Epoch, int Follower)>();
        int started = 0;
        long expected = 0;
        FollowerProcess? left = null;
        for (int round = 0; round < Rounds; round++)
        {
            FollowerProcess one = left ?? new FollowerProcess(_folder.Path, said, started++);
            FollowerProcess two = new(_folder.Path, said, started++);
            expected += await AppendAsync(ledger, 60);
            FollowerProcess works = await await Task.WhenAny(one.HandledAsync(10), two.HandledAsync(10));
            works.Kill();
            left = works == one ? two : one;
            expected += await AppendAsync(ledger, 60); // the one that was killed may have handled all there was
            await left.HandledAsync(10); // goes on without anybody's help
        }

        left!.Kill();
        left.Dispose();
        expected += await AppendAsync(ledger, 5);

        // the rest is handled here, after the lease of the last one ran out
        long end = ledger.Head.Entries;
        var options = new LedgerSubscriptionOptions("adder") { Lease = TimeSpan.FromMilliseconds(600), SaveEvery = 7 };
        using var done = new CancellationTokenSource();
        var subscription = new LedgerSubscription(store, ledger, options);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscription.RunAsync(
            async (delivery, cancellation) =>
            {
                await Follower.AddAsync(store, delivery, cancellation);
                lock (said)
                {
                    said.Add((delivery.Entry.Number, delivery.Epoch, -1));
                }

                if (delivery.Entry.Number == end - 1)
                {
                    await done.CancelAsync();
                }
            },
            done.Token));

        (long last, long sum, long count) = await Follower.ReadAsync(store, CancellationToken.None);
        Assert.Equal((end - 1, expected, end), (last, sum, count));
        Assert.Equal(end, (await subscription.ReadCursorAsync())!.Next);
        Assert.Null((await subscription.ReadCursorAsync())!.Holder);
        foreach (IGrouping<(int, long), (long Number, long Epoch, int)> tenure in said.GroupBy(s => (s.Follower, s.Epoch)))
        {
            long[] numbers = [.. tenure.Select(t => t.Number)];
            Assert.Equal(Enumerable.Range(0, numbers.Length).Select(i => numbers[0] + i), numbers); // in order, none left out
        }
    }

    private static async Task<long> AppendAsync(ObjectLedger ledger, int count)
    {
        long sum = 0;
        for (int i = 0; i < count; i++)
        {
            int value = (int)ledger.Head.Entries + 1;
            sum += value;
            await ledger.AppendAsync([Drafts.Of("counted", value)]);
        }

        return sum;
    }

    private sealed class FollowerProcess : IDisposable
    {
        private readonly Process _process;
        private readonly List<(int Count, TaskCompletionSource<FollowerProcess> Reached)> _waits = [];
        private readonly Task<string> _errors;
        private int _handled;

        internal FollowerProcess(string folder, List<(long, long, int)> said, int index)
        {
            string assembly = Path.Combine(AppContext.BaseDirectory, "Mlops.Sdk.Core.Tests.Worker.dll");
            string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
            _process = Process.Start(new ProcessStartInfo(host, ["exec", assembly, folder, "f", "follow"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            _errors = _process.StandardError.ReadToEndAsync();
            _ = Task.Run(() => ReadAsync(said, index));
        }

        public void Dispose() => _process.Dispose();

        internal void Kill() => _process.Kill();

        /// <summary>Waits until it has handled so many more entries.</summary>
        internal Task<FollowerProcess> HandledAsync(int more)
        {
            lock (_waits)
            {
                var reached = new TaskCompletionSource<FollowerProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
                _waits.Add((_handled + more, reached));
                return reached.Task;
            }
        }

        private async Task ReadAsync(List<(long, long, int)> said, int index)
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.Split(' ') is not ["handled", var number, var epoch])
                {
                    continue;
                }

                lock (said)
                {
                    said.Add((long.Parse(number, CultureInfo.InvariantCulture), long.Parse(epoch, CultureInfo.InvariantCulture), index));
                }

                lock (_waits)
                {
                    _handled++;
                    _waits.FindAll(w => _handled >= w.Count).ForEach(w => w.Reached.TrySetResult(this));
                }
            }

            string problem = await _errors;
            lock (_waits)
            {
                _waits.ForEach(w => w.Reached.TrySetException(new InvalidOperationException($"The follower ended: {problem}")));
            }
        }
    }
}
