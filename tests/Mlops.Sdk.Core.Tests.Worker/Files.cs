using System.Globalization;

namespace Mlops.Sdk;

/// <summary>Stores a file, and may be killed while it does.</summary>
internal static class Files
{
    internal static async Task RunAsync(string folder, string file, long stopAt)
    {
        var artifacts = new ArtifactStore(new FolderObjectStore(folder));
        long before = GC.GetTotalAllocatedBytes(precise: true);
        ArtifactInfo info = await artifacts.WriteFileAsync(file, new Teller(stopAt));
        await using (Stream stream = await artifacts.OpenAsync(info.Digest))
        {
            await stream.CopyToAsync(Stream.Null);
        }

        Say($"done {info.Digest} {info.Length}");
        Say(string.Create(CultureInfo.InvariantCulture, $"allocated {GC.GetTotalAllocatedBytes(precise: true) - before}"));
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    private sealed class Teller(long stopAt) : IProgress<long>
    {
        public void Report(long value)
        {
            Say(string.Create(CultureInfo.InvariantCulture, $"at {value}"));
            if (value >= stopAt)
            {
                using var never = new ManualResetEvent(false);
                never.WaitOne(); // until it is killed
            }
        }
    }
}
