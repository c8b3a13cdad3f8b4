using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk.Comparisons;

/// <summary>The ledger on a folder: durable single commits beside what the disk can do, group commit, opening and verifying.</summary>
internal static class LedgerTopic
{
    private const string OpenOnce = "MLOPS_COMPARISONS_OPEN";
    private const int Entries = 10_000;
    private const int EntriesPerCommit = 10;
    private const int Million = 1_000_000;
    private const int Rounds = 15;
    private static readonly JsonElement Data = JsonDocument.Parse("""{"model":"taxi-fare","alias":"champion","from":6,"to":7,"digest":"sha256:0"}""").RootElement;

    public static async Task RunAsync(Report report)
    {
        if (Environment.GetEnvironmentVariable(OpenOnce) is { Length: > 0 } path)
        {
            report.Note("open", await OpenOnceAsync(path)); // the child process of OpenInNewProcessAsync
            report.Note("heap", GC.GetTotalMemory(forceFullCollection: true) / 1e6);
            return;
        }

        string folder = Directory.CreateTempSubdirectory("mlops-ledger-topic-").FullName;
        try
        {
            await SinglesAsync(report, folder);
            await GroupAsync(report, folder);
            await OpeningAsync(report, folder);
            await MillionAsync(report, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>One entry a commit, each awaited, in turns with the least that makes a file durable: create, fsync, rename.</summary>
    private static async Task SinglesAsync(Report report, string folder)
    {
        const int slice = 100;
        string probe = Directory.CreateDirectory(Path.Combine(folder, "probe")).FullName;
        byte[] content = new byte[700];
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(Path.Combine(folder, "singles")));
        var disk = new List<double>();
        var commits = new List<double>();
        for (int round = -3; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < slice; i++)
            {
                string name = Path.Combine(probe, $"{round}-{i}");
                using (SafeFileHandle handle = File.OpenHandle(name + ".new", FileMode.CreateNew, FileAccess.Write))
                {
                    RandomAccess.Write(handle, content, 0);
                    RandomAccess.FlushToDisk(handle);
                }

                File.Move(name + ".new", name, overwrite: true);
            }

            double diskRate = slice / Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            for (int i = 0; i < slice; i++)
            {
                await ledger.AppendAsync([Draft(i)]);
            }

            if (round >= 0)
            {
                disk.Add(diskRate);
                commits.Add(slice / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        double half = Median(disk) / 2;
        report.Note("disk-create-fsync-rename-per-second", Median(disk));
        report.Note("single-commits-share-of-disk", Median(commits.Zip(disk, (ours, its) => ours / its)));
        report.AtLeast("single-durable-commits-per-second", Median(commits), Math.Min(500, half));
    }

    private static async Task GroupAsync(Report report, string folder)
    {
        const int appenders = 512;
        const int each = 60;
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(Path.Combine(folder, "group")));
        var rates = new List<double>();
        for (int round = -1; round < 4; round++)
        {
            long start = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, appenders).Select(_ => Task.Run(async () =>
            {
                for (int i = 0; i < each; i++)
                {
                    await ledger.AppendAsync([Draft(i)]);
                }
            })));
            if (round >= 0)
            {
                rates.Add(appenders * each / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        report.AtLeast("group-commit-durable-entries-per-second", Median(rates), 10_000);
    }

    private static async Task OpeningAsync(Report report, string folder)
    {
        string store = Path.Combine(folder, "opening");
        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(store)))
        {
            for (int i = 0; i < Entries / EntriesPerCommit; i++)
            {
                await ledger.AppendAsync([.. Enumerable.Range(0, EntriesPerCommit).Select(Draft)]);
            }
        }

        var warm = new List<double>();
        var cold = new List<double>();
        var verify = new List<double>();
        for (int i = 0; i < Rounds; i++)
        {
            warm.Add(await OpenOnceAsync(store));
            cold.Add((await OpenInNewProcessAsync(store)).Milliseconds);
            verify.Add(await VerifyOnceAsync(store));
        }

        report.AtMost("open-10000-entries-in-new-process-ms", Median(cold), 150);
        report.AtMost("open-10000-entries-ms", Median(warm), 150);
        report.Note("verify-entries-per-second", Entries / Median(verify) * 1000);
    }

    /// <summary>A ledger that has been in use for long: a million entries in commits of a hundred, folded, the folded commits removed.</summary>
    private static async Task MillionAsync(Report report, string folder)
    {
        const int perCommit = 100;
        const int appenders = 8;
        string store = Path.Combine(folder, "million");
        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(store)))
        {
            await Task.WhenAll(Enumerable.Range(0, appenders).Select(_ => Task.Run(async () =>
            {
                for (int i = 0; i < Million / perCommit / appenders; i++)
                {
                    await ledger.AppendAsync([.. Enumerable.Range(0, perCommit).Select(Draft)]);
                }
            })));
            await ledger.RefreshAsync();
            await ledger.WhenFoldedAsync();
        }

        // removed as it would be an hour later
        foreach (string commit in Directory.EnumerateFiles(Path.Combine(store, "ledger", "segments")))
        {
            File.SetLastWriteTimeUtc(commit, File.GetLastWriteTimeUtc(commit) - TimeSpan.FromDays(1));
        }

        await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(store)))
        {
            await ledger.CompactAsync();
        }

        report.Note("million-entries-objects", Directory.GetFiles(Path.Combine(store, "ledger"), "*", SearchOption.AllDirectories).Length);
        var warm = new List<double>();
        var cold = new List<(double Milliseconds, double Megabytes)>();
        for (int i = 0; i < 7; i++)
        {
            warm.Add(await OpenOnceAsync(store));
            cold.Add(await OpenInNewProcessAsync(store));
        }

        report.AtMost("open-million-entries-in-new-process-ms", Median(cold.Select(c => c.Milliseconds)), 1_000);
        report.AtMost("open-million-entries-ms", Median(warm), 1_000);
        report.AtMost("open-million-entries-heap-mb", Median(cold.Select(c => c.Megabytes)), 50);
        report.AtLeast("verify-million-entries-per-second", Million / Median([await VerifyOnceAsync(store), await VerifyOnceAsync(store), await VerifyOnceAsync(store)]) * 1000, 500_000);
        await ProveAsync(report, store);
    }

    private static async Task ProveAsync(Report report, string store)
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(store));
        var first = Stopwatch.StartNew();
        await ledger.ProveInclusionAsync(Million / 3);
        report.Note("first-proof-of-a-million-ms", first.Elapsed.TotalMilliseconds);
        var random = new Random(7);
        var times = new List<double>();
        for (int i = 0; i < 101; i++)
        {
            long start = Stopwatch.GetTimestamp();
            InclusionProof proof = await ledger.ProveInclusionAsync(random.Next(Million));
            times.Add(proof.Verify() ? Stopwatch.GetElapsedTime(start).TotalMilliseconds : throw new InvalidOperationException("A proof does not hold."));
        }

        report.Note("later-proof-of-a-million-ms", Median(times));
    }

    private static async Task<double> OpenOnceAsync(string store)
    {
        long start = Stopwatch.GetTimestamp();
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(store));
        double took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        return ledger.Head.Entries is Entries or Million ? took : throw new InvalidOperationException($"Found {ledger.Head.Entries} entries.");
    }

    private static async Task<double> VerifyOnceAsync(string store)
    {
        await using ObjectLedger ledger = await ObjectLedger.OpenAsync(new FolderObjectStore(store));
        long start = Stopwatch.GetTimestamp();
        LedgerVerification found = await ledger.VerifyAsync();
        return found.Ok ? Stopwatch.GetElapsedTime(start).TotalMilliseconds : throw new InvalidOperationException(found.Problem);
    }

    /// <summary>Opens in a process that has compiled nothing yet, which is what a starting host pays; the runtime's own start is not counted.</summary>
    private static async Task<(double Milliseconds, double Megabytes)> OpenInNewProcessAsync(string store)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, Environment = { [OpenOnce] = store } };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(LedgerTopic).Assembly.Location);
        }

        start.ArgumentList.Add("ledger");
        using Process child = Process.Start(start)!;
        double[] figures = [.. (await child.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))];
        await child.WaitForExitAsync();
        return (figures[0], figures[1]);
    }

    private static LedgerDraft Draft(int i) => new("model.alias_moved", new LedgerResource("model", "taxi-fare", 7), "Passed the gate against the champion.", Data)
    {
        Actor = new Actor("ann", ActorKind.User, "process"),
        Correlation = $"run-{i}",
    };

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
