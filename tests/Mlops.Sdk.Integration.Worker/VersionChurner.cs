using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Integration.Worker;

/// <summary>
/// Registers and deletes versions whose files come from a small pool, while another process collects what is unused with the shortest grace
/// period there is. Hours are not waited for: a writer dates its own files back once nothing names them, as two hours of waiting would; from
/// then on a collection may take them, and the writer writes them again.
/// </summary>
public static class VersionChurner
{
    private const int Pool = 12;

    public static async Task ChurnAsync(string folder, string name, int tasks)
    {
        using var enough = new CancellationTokenSource();
        Task told = Task.Run(() => Console.ReadLine()).ContinueWith(_ => enough.Cancel(), TaskScheduler.Default);
        int[] rewritten = await Task.WhenAll(Enumerable.Range(0, tasks).Select(t => Task.Run(() => ChurnAsync(folder, $"{name}-{t}", enough.Token))));
        await told;
        Say($"rewritten {rewritten.Sum()}");
    }

    /// <summary>Says "collected REMOVED RESCUED" after each collection.</summary>
    public static async Task CollectAsync(string folder)
    {
        Task told = Task.Run(() => Console.ReadLine());
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder);
        var options = new ArtifactCollectionOptions { GracePeriod = TimeSpan.FromHours(1), CacheLifetime = TimeSpan.FromHours(1) };
        while (!told.IsCompleted)
        {
            ArtifactCollection done = await mlops.Collector.CollectAsync("racing", options);
            Say($"collected {done.Removed} {done.Rescued}");
        }
    }

    private static async Task<int> ChurnAsync(string folder, string model, CancellationToken enough)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder, cancellationToken: CancellationToken.None);
        var random = new Random(model.Length + model[^1]);
        var live = new Queue<ModelVersion>();
        int rewritten = 0;
        while (!enough.IsCancellationRequested)
        {
            string[] texts = [.. Enumerable.Range(0, 3).Select(_ => $"{model} {random.Next(Pool)}").Distinct(StringComparer.Ordinal)];
            ModelVersion version;
            while (true)
            {
                ModelFile[] files = await Task.WhenAll(texts.Select((text, i) => WriteAsync(mlops, $"file-{i}.txt", text)));
                try
                {
                    version = await mlops.Registry.RegisterAsync(
                        new ModelManifest
                        {
                            Model = model,
                            ModelFormat = "none",
                            Algorithm = "none",
                            Files = files,
                            Schema = new ModelSchema(ModelTask.Regression, [new ModelInput("X", InputKind.Number, "X")], ["Score"], "Y"),
                        },
                        "churned",
                        cancellationToken: CancellationToken.None);
                    break;
                }
                catch (MlopsNotFoundException gone) when (gone.Code == "artifact.not_found")
                {
                    rewritten++; // it was there, old, and collected between the two calls: nothing was registered
                }
            }

            Say($"version {model} {version.Number} {version.Digest}");
            live.Enqueue(version);
            if (live.Count > 2)
            {
                await DeleteAsync(mlops, folder, live.Dequeue(), live, random);
            }
        }

        return rewritten;
    }

    private static async Task DeleteAsync(MlopsWorkspace mlops, string folder, ModelVersion version, Queue<ModelVersion> live, Random random)
    {
        ModelManifest manifest = await mlops.Registry.ReadManifestAsync(version);
        await mlops.Registry.DeleteVersionAsync(version.Model, version.Number, "not needed any more");
        Say($"deleted {version.Model} {version.Number}");
        HashSet<Digest> kept = [.. live.Select(v => v.Digest)];
        foreach (ModelVersion other in live)
        {
            kept.UnionWith((await mlops.Registry.ReadManifestAsync(other)).Files.Select(f => f.Digest));
        }

        foreach (Digest digest in manifest.Files.Select(f => f.Digest).Append(version.Digest).Where(d => !kept.Contains(d)))
        {
            string hex = digest.ToString()["sha256:".Length..];
            try
            {
                // never the same time twice: the time makes the ETag
                File.SetLastWriteTimeUtc(Path.Combine(folder, "artifacts", "sha256", hex[..2], hex), TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-2).AddTicks(-random.NextInt64(TimeSpan.TicksPerHour)));
            }
            catch (FileNotFoundException)
            {
                // dated back before, written by nobody since, and collected
            }
        }
    }

    private static async Task<ModelFile> WriteAsync(MlopsWorkspace mlops, string name, string text)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        ArtifactInfo info = await mlops.Artifacts.WriteAsync(content);
        return new ModelFile(name, info.Digest, info.Length);
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
