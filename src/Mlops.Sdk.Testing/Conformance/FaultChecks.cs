using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Testing;

/// <summary>A store over a bad connection. <c>run.Store</c> sees the truth; the faulty store stands before another handle to the same place.</summary>
internal static class FaultChecks
{
    private static readonly StoreFault[] WithoutEffect = [StoreFault.Unavailable, StoreFault.Full, StoreFault.AccessDenied, StoreFault.Timeout, StoreFault.Throttled, StoreFault.BrokenWrite];

    internal static IEnumerable<(string Rule, Func<ConformanceRun, FaultInjectingObjectStore, Task> Check)> All =>
    [
        ("A put that fails leaves what was there, and a retry converges", FailedPut),
        ("Whether a put whose answer was lost was done is told by reading back", LostPut),
        ("A removal or a touch whose answer was lost converges when it is repeated", LostRemoval),
        ("A call that hangs ends when it is cancelled and has no effect", Hanging),
        ("Bytes come whole over a connection that is slow both ways", Slow),
        ("A read that breaks or is torn changes nothing and a second one is whole", BadReads),
        ("A listing that breaks off goes on after the last key that came", BrokenListing),
        ("Increments by compare-and-swap are exact over a bad connection", Increments),
        ("Readers never see a mixture while writers fail", NoMixture),
        ("An upload over a bad connection goes on and ends whole", Uploading),
    ];

    private static async Task FailedPut(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        foreach (StoreFault fault in WithoutEffect)
        {
            string name = $"put/{fault.ToString().ToLowerInvariant()}";
            await ExpectAsync(name, null, PutCondition.IfAbsent, "first").ConfigureAwait(false);
            ObjectInfo there = (await run.Store.HeadAsync(run.Key(name), run.Cancellation).ConfigureAwait(false))!;
            await ExpectAsync(name, "first", PutCondition.IfMatch(there.ETag), "second").ConfigureAwait(false);
            await ExpectAsync(name, "second", PutCondition.Any, new string('t', 300_000)).ConfigureAwait(false);

            async Task ExpectAsync(string key, string? before, PutCondition condition, string text)
            {
                faulty.Next(fault, StoreCalls.Put);
                await run.ExpectThrowsAsync<MlopsStorageException>(() => run.PutAsync(key, text, condition, faulty), $"a put with {fault}").ConfigureAwait(false);
                faulty.Heal();
                await run.ExpectContentAsync(key, before).ConfigureAwait(false);
                PutResult again = await run.PutAsync(key, text, condition, faulty).ConfigureAwait(false);
                run.Expect(again.Written, $"the retry after {fault} was not done");
                await run.ExpectContentAsync(key, text).ConfigureAwait(false);
            }
        }
    }

    private static async Task LostPut(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        await LoseAsync("k", PutCondition.IfAbsent, "mine").ConfigureAwait(false);
        run.Expect(!(await run.PutAsync("k", "mine", PutCondition.IfAbsent, faulty).ConfigureAwait(false)).Written, "a retry if-absent of a put that was done is done again");
        await run.ExpectContentAsync("k", "mine", faulty).ConfigureAwait(false);
        string etag = (await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))!.ETag;
        await LoseAsync("k", PutCondition.IfMatch(etag), "mine too").ConfigureAwait(false);
        run.Expect(!(await run.PutAsync("k", "mine too", PutCondition.IfMatch(etag), faulty).ConfigureAwait(false)).Written, "a retry if-match of a put that was done is done again");
        await run.ExpectContentAsync("k", "mine too", faulty).ConfigureAwait(false);
        await LoseAsync("k", PutCondition.Any, "third").ConfigureAwait(false);
        run.Expect((await run.PutAsync("k", "third", PutCondition.Any, faulty).ConfigureAwait(false)).Written, "a retry without a condition is not done");
        await run.ExpectContentAsync("k", "third").ConfigureAwait(false);

        async Task LoseAsync(string name, PutCondition condition, string text)
        {
            faulty.Next(StoreFault.LostAnswer, StoreCalls.Put);
            await run.ExpectThrowsAsync<MlopsStorageException>(() => run.PutAsync(name, text, condition, faulty), "a put whose answer is lost").ConfigureAwait(false);
            await run.ExpectContentAsync(name, text).ConfigureAwait(false);
        }
    }

    private static async Task LostRemoval(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        string etag = await run.WriteAsync("k", "x").ConfigureAwait(false);
        faulty.Next(StoreFault.LostAnswer, StoreCalls.Touch);
        await run.ExpectThrowsAsync<MlopsStorageException>(async () => await faulty.TouchAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false), "a touch whose answer is lost").ConfigureAwait(false);
        run.Expect((await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))!.ETag != etag, "the touch had no effect");
        run.Expect(await faulty.TouchAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false), "the touch cannot be repeated");
        etag = (await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))!.ETag;
        faulty.Next(StoreFault.LostAnswer, StoreCalls.Delete);
        await run.ExpectThrowsAsync<MlopsStorageException>(async () => await faulty.DeleteAsync(run.Key("k"), etag, run.Cancellation).ConfigureAwait(false), "a removal whose answer is lost").ConfigureAwait(false);
        await run.ExpectContentAsync("k", null).ConfigureAwait(false);
        run.Expect(!await faulty.DeleteAsync(run.Key("k"), etag, run.Cancellation).ConfigureAwait(false), "what is gone is removed again");
    }

    private static async Task Hanging(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        await run.WriteAsync("k", "old").ConfigureAwait(false);
        ObjectKey key = run.Key("k");
        await HangAsync(StoreCalls.Put, token => faulty.PutAsync(key, new MemoryStream([1]), PutCondition.Any, token).AsTask()).ConfigureAwait(false);
        await HangAsync(StoreCalls.Open, token => faulty.OpenAsync(key, null, token).AsTask()).ConfigureAwait(false);
        await HangAsync(StoreCalls.Head, token => faulty.HeadAsync(key, token).AsTask()).ConfigureAwait(false);
        await HangAsync(StoreCalls.Delete, token => faulty.DeleteAsync(key, null, token).AsTask()).ConfigureAwait(false);
        await HangAsync(StoreCalls.Touch, token => faulty.TouchAsync(key, token).AsTask()).ConfigureAwait(false);
        await HangAsync(StoreCalls.List, async token =>
        {
            await foreach (ObjectInfo _ in faulty.ListAsync(run.Prefix, null, token).ConfigureAwait(false))
            {
                run.Expect(false, "a listing that hangs tells objects");
            }
        }).ConfigureAwait(false);
        await run.ExpectContentAsync("k", "old").ConfigureAwait(false);

        async Task HangAsync(StoreCalls calls, Func<CancellationToken, Task> call)
        {
            using var source = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
            faulty.Next(StoreFault.Hang, calls);
            Task hanging = call(source.Token);
            run.Expect(!hanging.IsCompleted, $"{calls} does not hang");
            await source.CancelAsync().ConfigureAwait(false);
            await run.ExpectThrowsAsync<OperationCanceledException>(() => hanging, $"{calls}").ConfigureAwait(false);
        }
    }

    private static async Task Slow(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        string text = string.Join(',', Enumerable.Range(0, 20_000));
        faulty.Next(StoreFault.SlowWrite, StoreCalls.Put);
        await run.PutAsync("k", text, PutCondition.IfAbsent, faulty).ConfigureAwait(false);
        await run.ExpectContentAsync("k", text).ConfigureAwait(false);
        faulty.Next(StoreFault.SlowRead, StoreCalls.Open);
        await run.ExpectContentAsync("k", text, faulty).ConfigureAwait(false);
    }

    private static async Task BadReads(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        string text = string.Join(',', Enumerable.Range(0, 20_000));
        await run.WriteAsync("k", text).ConfigureAwait(false);
        string etag = (await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))!.ETag;
        faulty.Next(StoreFault.BrokenRead, StoreCalls.Open);
        await run.ExpectThrowsAsync<IOException>(() => run.ReadAsync("k", null, faulty), "a read that breaks").ConfigureAwait(false);
        faulty.Next(StoreFault.TornRead, StoreCalls.Open);
        byte[]? torn = await run.ReadAsync("k", null, faulty).ConfigureAwait(false);
        run.Expect(torn is not null && torn.Length < text.Length, "a torn read is whole: the check itself is broken");
        await run.ExpectContentAsync("k", text, faulty).ConfigureAwait(false);
        run.Expect((await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))!.ETag == etag, "reading changed the ETag");
    }

    private static async Task BrokenListing(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        string[] names = [.. Enumerable.Range(0, 30).Select(i => $"k{i:d2}")];
        foreach (string name in names)
        {
            await run.WriteAsync(name, name).ConfigureAwait(false);
        }

        var found = new List<string>();
        faulty.Sometimes(StoreFault.LostAnswer, 0.5, StoreCalls.List);
        for (bool whole = false; !whole;)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            try
            {
                await foreach (ObjectInfo info in faulty.ListAsync(run.Prefix, found.Count == 0 ? null : run.Prefix + found[^1], run.Cancellation).ConfigureAwait(false))
                {
                    found.Add(info.Key.Value[run.Prefix.Length..]);
                }

                whole = true;
            }
            catch (MlopsStorageException)
            {
                // goes on behind what came
            }
        }

        run.Expect(found.SequenceEqual(names), $"'{string.Join(' ', found)}' came");
    }

    private static async Task Increments(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        const int writers = 4;
        const int each = 25;
        await run.WriteAsync("counter", "0 nobody").ConfigureAwait(false);
        faulty.Sometimes(StoreFault.LostAnswer, 0.15, StoreCalls.Put);
        faulty.Sometimes(StoreFault.Unavailable, 0.1);
        faulty.Sometimes(StoreFault.BrokenWrite, 0.05);
        await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            for (int done = 0; done < each;)
            {
                run.Cancellation.ThrowIfCancellationRequested();
                string mine = string.Create(CultureInfo.InvariantCulture, $"w{w}-{done}");
                done += await IncrementAsync(run, faulty, mine).ConfigureAwait(false) ? 1 : 0;
            }
        }))).ConfigureAwait(false);
        faulty.Heal();
        string text = Encoding.ASCII.GetString((await run.ReadAsync("counter").ConfigureAwait(false))!);
        string count = text.Split(' ')[0];
        run.Expect(count == (writers * each).ToString(CultureInfo.InvariantCulture), $"{writers} writers with {each} increments each ended at {count}");
    }

    /// <summary>One increment. Every state names all increments that led to it, so that who lost an answer can tell whether it was done.</summary>
    private static async Task<bool> IncrementAsync(ConformanceRun run, FaultInjectingObjectStore faulty, string mine)
    {
        try
        {
            ObjectInfo? info = await faulty.HeadAsync(run.Key("counter"), run.Cancellation).ConfigureAwait(false);
            string text = Encoding.ASCII.GetString(await run.ReadAsync("counter", null, faulty).ConfigureAwait(false) ?? []);
            string[] parts = text.Split(' ');
            if (parts.Contains(mine, StringComparer.Ordinal))
            {
                return true; // an earlier put of ours was done and its answer was lost
            }

            await Task.Yield(); // others come between
            string next = string.Join(' ', [(int.Parse(parts[0], CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture), .. parts[1..], mine]);
            return (await run.PutAsync("counter", next, PutCondition.IfMatch(info!.ETag), faulty).ConfigureAwait(false)).Written;
        }
        catch (MlopsStorageException)
        {
            return false; // look again
        }
    }

    private static async Task NoMixture(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        const int length = 150_000;
        await run.WriteAsync("k", new string('a', length)).ConfigureAwait(false);
        faulty.Sometimes(StoreFault.BrokenWrite, 0.3);
        faulty.Sometimes(StoreFault.LostAnswer, 0.2, StoreCalls.Put);
        faulty.Sometimes(StoreFault.Unavailable, 0.2, StoreCalls.Put);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
        Task reader = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await LookAsync().ConfigureAwait(false);
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(w => Task.Run(async () =>
        {
            for (int i = 0; i < 8; i++)
            {
                try
                {
                    await run.PutAsync("k", new string((char)('b' + w), length), PutCondition.Any, faulty).ConfigureAwait(false);
                }
                catch (MlopsStorageException)
                {
                    await LookAsync().ConfigureAwait(false);
                }
            }
        }))).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await reader.ConfigureAwait(false);

        async Task LookAsync()
        {
            byte[]? found = await run.ReadAsync("k").ConfigureAwait(false);
            run.Expect(found is { Length: length } && !found.AsSpan().ContainsAnyExcept(found[0]), $"a reader saw {found?.Length ?? -1} of {length} bytes or a mixture");
        }
    }

    private static async Task Uploading(ConformanceRun run, FaultInjectingObjectStore faulty)
    {
        byte[] bytes = new byte[1_000_003];
        new Random(5).NextBytes(bytes);
        faulty.Sometimes(StoreFault.Unavailable, 0.2, StoreCalls.Append | StoreCalls.Put);
        faulty.Sometimes(StoreFault.LostAnswer, 0.2, StoreCalls.Append);
        for (bool done = false; !done;)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            try
            {
                if (await faulty.OpenUploadAsync(run.Key("k"), "id", run.Cancellation).ConfigureAwait(false) is not { } upload)
                {
                    return;
                }

                await using (upload.ConfigureAwait(false))
                {
                    int at = 0;
                    foreach (UploadPart part in upload.Parts)
                    {
                        run.Expect(part.Offset == at && part.Digest == Digest.Of(bytes.AsSpan(at, part.Length)), $"the part at {at} is not what was sent");
                        at += part.Length;
                    }

                    for (; at < bytes.Length; at += 100_000)
                    {
                        await upload.AppendAsync(bytes.AsMemory(at, Math.Min(100_000, bytes.Length - at)), run.Cancellation).ConfigureAwait(false);
                    }

                    done = (await upload.CompleteAsync(PutCondition.Any, run.Cancellation).ConfigureAwait(false)).Written;
                }
            }
            catch (MlopsStorageException)
            {
                run.Expect(await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false) is null, "an upload that failed is visible");
            }
        }

        byte[]? found = await run.ReadAsync("k").ConfigureAwait(false);
        run.Expect(found is not null && found.AsSpan().SequenceEqual(bytes), "other bytes came back");
    }
}
