using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Testing;

/// <summary>Many at once, through one handle and through several.</summary>
internal static class RacingChecks
{
    private const int Writers = 8;
    private const int Racers = 16;

    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("Of many puts if-absent at once exactly one is done", OneWinner),
        ("Increments by compare-and-swap are not lost", Increments),
        ("Racing replacements leave one of them whole, and readers never see a mixture", NoMixture),
        ("Of many removals if-match at once exactly one is done", OneRemover),
    ];

    private static async Task OneWinner(ConformanceRun run)
    {
        for (int round = 0; round < 10; round++)
        {
            string name = $"race/{round}";
            PutResult[] results = await Task.WhenAll(Handles(run, Racers).Select((store, w) => Task.Run(() => run.PutAsync(name, $"writer {w}", PutCondition.IfAbsent, store)))).ConfigureAwait(false);
            int[] winners = [.. Enumerable.Range(0, Racers).Where(w => results[w].Written)];
            run.Expect(winners.Length == 1, $"{winners.Length} of {Racers} were done");
            await run.ExpectContentAsync(name, $"writer {winners[0]}").ConfigureAwait(false);
        }
    }

    private static async Task Increments(ConformanceRun run)
    {
        const int each = 10;
        await run.WriteAsync("counter", "0").ConfigureAwait(false);
        await Task.WhenAll(Handles(run).Select(store => Task.Run(async () =>
        {
            for (int done = 0; done < each;)
            {
                run.Cancellation.ThrowIfCancellationRequested();
                ObjectInfo info = await store.HeadAsync(run.Key("counter"), run.Cancellation).ConfigureAwait(false) ?? throw new ObjectStoreConformanceException("increments", "the counter is gone");
                byte[] text = await run.ReadAsync("counter", null, store).ConfigureAwait(false) ?? throw new ObjectStoreConformanceException("increments", "the counter is gone");
                int value = int.Parse(Encoding.ASCII.GetString(text), CultureInfo.InvariantCulture);

                // the value may be newer than the ETag, never older: then the put is not done
                done += (await run.PutAsync("counter", (value + 1).ToString(CultureInfo.InvariantCulture), PutCondition.IfMatch(info.ETag), store).ConfigureAwait(false)).Written ? 1 : 0;
            }
        }))).ConfigureAwait(false);
        await run.ExpectContentAsync("counter", (Writers * each).ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
    }

    private static async Task NoMixture(ConformanceRun run)
    {
        const int length = 200_000;
        await run.WriteAsync("k", new string('a', length)).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
        Task readers = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                byte[]? found = await run.ReadAsync("k").ConfigureAwait(false);
                run.Expect(found is { Length: length }, $"a reader saw {found?.Length ?? -1} of {length} bytes");
                run.Expect(!found.AsSpan().ContainsAnyExcept(found![0]), "a reader saw a mixture of two writes");
            }
        })));
        await Task.WhenAll(Handles(run).Select((store, w) => Task.Run(async () =>
        {
            for (int i = 0; i < 5; i++)
            {
                await run.PutAsync("k", new string((char)('b' + w), length), PutCondition.Any, store).ConfigureAwait(false);
            }
        }))).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await readers.ConfigureAwait(false);
    }

    private static async Task OneRemover(ConformanceRun run)
    {
        string etag = await run.WriteAsync("k", "x").ConfigureAwait(false);
        bool[] removed = await Task.WhenAll(Handles(run).Select(store => Task.Run(async () => await store.DeleteAsync(run.Key("k"), etag, run.Cancellation).ConfigureAwait(false)))).ConfigureAwait(false);
        run.Expect(removed.Count(r => r) == 1, $"{removed.Count(r => r)} of {Writers} say they removed it");
    }

    private static IObjectStore[] Handles(ConformanceRun run, int count = Writers)
    {
        IObjectStore other = run.OpenAnother();
        return [.. Enumerable.Range(0, count).Select(w => w % 2 == 0 ? run.Store : other)];
    }
}
