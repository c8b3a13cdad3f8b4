using System.Globalization;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Mlops.Sdk.Core.Tests.Processes;

/// <summary>Real processes that write, replace, touch and remove objects of one folder, killed at random points. MLOPS_TEST_KILL_ROUNDS asks for more rounds.</summary>
public sealed class KilledStoreTests : IDisposable
{
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_KILL_ROUNDS") ?? "2", CultureInfo.InvariantCulture);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_claim_is_won_once_and_no_object_is_half_written_when_writers_are_killed()
    {
        var random = new Random(11);
        var winners = new Dictionary<long, string>();
        for (int round = 0; round < Rounds; round++)
        {
            WorkerProcess[] workers = [.. Enumerable.Range(0, 4).Select(w => new WorkerProcess(["claims", _folder.Path, $"r{round}-w{w}"], w == 0 ? random.Next(20, 200) : random.Next(1, 5)))];
            try
            {
                foreach ((long number, string name) in (await Task.WhenAll(workers.Select(w => w.KillAsync()))).SelectMany(w => w))
                {
                    Assert.True(winners.TryAdd(number, name), $"Claim {number} was won by '{name}' and by '{winners[number]}'.");
                }
            }
            finally
            {
                Array.ForEach(workers, w => w.Dispose());
            }

            await CheckAsync(winners);
        }

        Assert.NotEmpty(winners);
    }

    private async Task CheckAsync(Dictionary<long, string> winners)
    {
        var store = new FolderObjectStore(_folder.Path, new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddDays(1)));
        Assert.Empty(Directory.GetFiles(_folder[".tmp"]));
        var artifacts = new ArtifactStore(store);
        int claims = 0;
        await foreach (ObjectInfo info in store.ListAsync(string.Empty))
        {
            if (info.Key.Value.StartsWith("artifacts/", StringComparison.Ordinal))
            {
                await artifacts.ReadAsync(Digest.Parse("sha256:" + info.Key.Value[^64..]), 2_000_000);
                continue;
            }

            using var copy = new MemoryStream();
            await using (Stream stream = (await store.OpenAsync(info.Key))!)
            {
                await stream.CopyToAsync(copy);
            }

            string text = Encoding.ASCII.GetString(copy.ToArray());
            if (info.Key.Value.StartsWith("churn/", StringComparison.Ordinal))
            {
                int length = int.Parse(text[..8], CultureInfo.InvariantCulture);
                Assert.Equal(string.Concat(Enumerable.Repeat(text[..8], length)), text);
            }
            else
            {
                long number = long.Parse(info.Key.Value.Split('/')[1], CultureInfo.InvariantCulture);
                Assert.Matches("^r[0-9]+-w[0-3]$", text);
                Assert.True(!winners.TryGetValue(number, out string? winner) || winner == text, $"Claim {number} was won by '{winner}' and holds '{text}'.");
                claims++;
            }
        }

        Assert.True(claims >= winners.Count, $"{winners.Count} claims were won and {claims} are there.");
    }
}
