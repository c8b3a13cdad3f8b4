using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk.Comparisons;

/// <summary>
/// A large file into a folder store and, verified, out of it, beside what one would write by hand: File.Copy and then SHA256.HashData of the copy.
/// Both sides make the copy durable. MLOPS_COMPARISONS_MIB sets the size; the default is 2,048.
/// </summary>
internal static class ArtifactsTopic
{
    private const int Rounds = 3;
    private const double Billion = 1e9;

    public static async Task RunAsync(Report report)
    {
        long length = long.Parse(Environment.GetEnvironmentVariable("MLOPS_COMPARISONS_MIB") ?? "2048", CultureInfo.InvariantCulture) << 20;
        string folder = Directory.CreateTempSubdirectory("mlops-artifacts-topic-").FullName;
        try
        {
            string source = Path.Combine(folder, "source");
            Fill(source, length);
            var figures = new Dictionary<string, List<double>>(StringComparer.Ordinal);
            for (int round = 0; round < Rounds; round++)
            {
                await RoundAsync(folder, source, length, figures);
            }

            double Rate(string name) => Median(figures[name]);
            double Ratio(string ours, string theirs) => Median(figures[ours].Zip(figures[theirs], (mine, its) => mine / its));
            double hash = Rate("hash");
            report.Note("sha256-gb-per-second", hash);
            report.Note("copy-flush-gb-per-second", Rate("copy"));
            report.Note("copy-flush-then-hash-gb-per-second", Rate("copy+hash"));

            // 0.6 GB/s where SHA-256 runs at 1 GB/s a core, and as much less as it is slower
            report.AtLeast("file-in-gb-per-second", Rate("file in"), 0.6 * Math.Min(1, hash));
            report.AtLeast("file-in-to-copy-then-hash", Ratio("file in", "copy+hash"), 0.75);
            report.Note("stream-in-gb-per-second", Rate("stream in"));
            report.AtLeast("stream-in-to-copy-then-hash", Ratio("stream in", "copy+hash"), 0.75);
            report.AtLeast("verified-out-gb-per-second", Rate("out"), 0.6 * Math.Min(1, hash));
            report.AtLeast("verified-out-to-hash", Ratio("out", "hash"), 0.75);
            report.Note("verified-out-to-file-gb-per-second", Rate("out to file"));
            report.AtLeast("verified-out-to-file-to-copy-then-hash", Ratio("out to file", "copy+hash"), 0.75);
            report.Note("again-gb-per-second", Rate("again"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RoundAsync(string folder, string source, long length, Dictionary<string, List<double>> figures)
    {
        string copy = Path.Combine(folder, "copy");
        string store = Path.Combine(folder, "store");
        double copied = Time(() =>
        {
            File.Copy(source, copy);
            using SafeFileHandle handle = File.OpenHandle(copy, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        });
        byte[] hash = [];
        double hashed = Time(() =>
        {
            using var stream = new FileStream(copy, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan);
            hash = SHA256.HashData(stream);
        });
        File.Delete(copy);
        Add("copy", copied);
        Add("hash", hashed);
        Add("copy+hash", copied + hashed);

        Digest expected = Digest.FromHash(hash);
        var artifacts = new ArtifactStore(new FolderObjectStore(store));
        Add("file in", await TimeAsync(async () => Check((await artifacts.WriteFileAsync(source)).Digest)));
        Add("again", await TimeAsync(async () => Check((await artifacts.WriteFileAsync(source)).Digest)));
        Add("out", await TimeAsync(async () =>
        {
            await using Stream stream = await artifacts.OpenAsync(expected);
            await stream.CopyToAsync(Stream.Null, 1 << 20);
        }));
        string target = Path.Combine(folder, "out");
        Add("out to file", await TimeAsync(async () =>
        {
            await using Stream stream = await artifacts.OpenAsync(expected);
            await using var file = new FileStream(target, FileMode.Create, FileAccess.Write, FileShare.None, 0);
            await stream.CopyToAsync(file, 1 << 20);
            file.Flush(flushToDisk: true);
        }));
        File.Delete(target);
        Directory.Delete(store, recursive: true);
        artifacts = new ArtifactStore(new FolderObjectStore(store));
        Add("stream in", await TimeAsync(async () =>
        {
            await using var stream = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
            Check((await artifacts.WriteAsync(stream)).Digest);
        }));
        Directory.Delete(store, recursive: true);

        void Add(string name, double seconds)
        {
            if (!figures.TryGetValue(name, out List<double>? rates))
            {
                figures[name] = rates = [];
            }

            rates.Add(length / Billion / seconds);
        }

        void Check(Digest digest)
        {
            if (digest != expected)
            {
                throw new InvalidOperationException($"Stored {digest}, expected {expected}.");
            }
        }
    }

    private static void Fill(string path, long length)
    {
        var random = new Random(5);
        byte[] block = new byte[1 << 20];
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, length);
        for (long at = 0; at < length; at += block.Length)
        {
            random.NextBytes(block);
            RandomAccess.Write(handle, block, at);
        }

        RandomAccess.FlushToDisk(handle);
    }

    private static double Time(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        long start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
