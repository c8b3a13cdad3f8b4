using System.Globalization;
using System.Text;

namespace Mlops.Sdk;

/// <summary>Writes, replaces, touches and removes objects until it is killed.</summary>
internal static class Claims
{
    internal static async Task RunAsync(string folder, string name)
    {
        var store = new FolderObjectStore(folder);
        await Task.WhenAll(Task.Run(() => ClaimAsync(store, name)), Task.Run(() => ChurnAsync(store, name)), Task.Run(() => StageAsync(store, name)));
    }

    private static async Task ClaimAsync(FolderObjectStore store, string name)
    {
        for (int i = 0; ; i++)
        {
            using var content = new MemoryStream(Encoding.ASCII.GetBytes(name));
            if ((await store.PutAsync(ObjectKey.Parse(string.Create(CultureInfo.InvariantCulture, $"claims/{i:d6}")), content, PutCondition.IfAbsent)).Written)
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ack {i} {name}"));
                Console.Out.Flush();
            }
        }
    }

    /// <summary>Ten objects that are replaced, touched and removed by everybody: each holds its length, again and again.</summary>
    private static async Task ChurnAsync(FolderObjectStore store, string name)
    {
        var random = new Random(name.Length);
        while (true)
        {
            ObjectKey key = ObjectKey.Parse($"churn/{random.Next(10)}");
            int length = 1_000 + random.Next(100_000);
            string text = string.Create(CultureInfo.InvariantCulture, $"{length:d8}");
            using var content = new MemoryStream(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(text, length))));
            switch (random.Next(4))
            {
                case 0:
                    await store.TouchAsync(key);
                    break;
                case 1:
                    await store.DeleteAsync(key);
                    break;
                default:
                    await store.PutAsync(key, content);
                    break;
            }
        }
    }

    /// <summary>Artifacts that are staged: what is there has the digest that it is named by.</summary>
    private static async Task StageAsync(FolderObjectStore store, string name)
    {
        var artifacts = new ArtifactStore(store);
        for (int i = 0; ; i++)
        {
            byte[] bytes = new byte[1_500_000];
            new Random(i + name.Length).NextBytes(bytes);
            using var content = new MemoryStream(bytes);
            await artifacts.WriteAsync(content);
        }
    }
}
