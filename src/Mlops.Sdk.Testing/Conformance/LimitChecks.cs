namespace Mlops.Sdk.Testing;

/// <summary>Many objects, large ones, long names, and calls that are cancelled on their way.</summary>
internal static class LimitChecks
{
    private const int Many = 2_000;
    private const int Large = (24 << 20) + 1;
    private static readonly string[] Few = ["a", "b/c", "d"];

    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("Thousands of objects are listed once each, page by page, while some go", Paging),
        ("A listing goes on after any text, a key or not", AfterAnyText),
        ("Every legal key works, whatever it looks like", LegalKeys),
        ("An object of many blocks comes back byte for byte, whole and in parts", LargeObject),
        ("Ranges around the edges of blocks give exactly their bytes", Edges),
        ("A put whose content fails anywhere leaves what was there", FailingAnywhere),
        ("A put that is cancelled on its way leaves what was there", CancelledPut),
        ("A listing and a reading that are cancelled on their way end so", CancelledReading),
    ];

    private static async Task Paging(ConformanceRun run)
    {
        string[] names = [.. Enumerable.Range(0, Many).Select(i => $"{i % 7}/{i:d5}").Order(StringComparer.Ordinal)];
        await Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = run.Cancellation }, async (name, _) => await run.PutAsync(name, "x").ConfigureAwait(false)).ConfigureAwait(false);
        List<ObjectInfo> all = await run.ListAsync(run.Prefix).ConfigureAwait(false);
        run.Expect(all.Select(o => o.Key).SequenceEqual(names.Select(run.Key)), $"the listing of {Many} objects tells {all.Count}, or not in order");
        var found = new List<string>();
        string? after = null;
        for (int page = 0; ; page++)
        {
            int before = found.Count;
            await foreach (ObjectInfo info in run.Store.ListAsync(run.Prefix, after, run.Cancellation).ConfigureAwait(false))
            {
                found.Add(after = info.Key.Value);
                if (found.Count - before == 150)
                {
                    break;
                }
            }

            if (found.Count == before)
            {
                break;
            }

            // the page goes on after a key that is no longer there
            await run.Store.DeleteAsync(ObjectKey.Parse(after!), null, run.Cancellation).ConfigureAwait(false);
        }

        run.Expect(found.SequenceEqual(names.Select(n => run.Prefix + n)), $"page by page {found.Count} of {Many} objects came, or not in order");
    }

    private static async Task AfterAnyText(ConformanceRun run)
    {
        foreach (string name in Few)
        {
            await run.WriteAsync(name, name).ConfigureAwait(false);
        }

        foreach (string after in new[] { string.Empty, "../x", "A", run.Prefix, run.Prefix + "b", run.Prefix + "b/", run.Prefix + "b/../d", run.Prefix + "b\\", run.Prefix + "a\0", run.Prefix + new string('c', 5_000), "zzz", "%2e" })
        {
            int expected = Few.Count(n => string.CompareOrdinal(run.Prefix + n, after) > 0);
            int found = (await run.ListAsync(run.Prefix, after).ConfigureAwait(false)).Count;
            run.Expect(found == expected, $"after a text of {after.Length} characters {found} objects came and {expected} should have");
        }
    }

    private static async Task LegalKeys(ConformanceRun run)
    {
        string longest = string.Join('/', Enumerable.Repeat(new string('x', 120), 4))[..(ObjectKey.MaxLength - run.Prefix.Length)];
        string[] names = ["-", "_", "0", "a..b", "a.lock", "x.tmp/y", "con-1", "com", "lpt10", "nul-", "a--b__c", "index.html", longest.EndsWith('/') ? longest[..^1] + "x" : longest, new string('s', 128)];
        foreach (string name in names)
        {
            await run.WriteAsync(name, name, PutCondition.IfAbsent).ConfigureAwait(false);
        }

        foreach (string name in names)
        {
            await run.ExpectContentAsync(name, name).ConfigureAwait(false);
        }

        List<ObjectInfo> listed = await run.ListAsync(run.Prefix).ConfigureAwait(false);
        run.Expect(listed.Select(o => o.Key).SequenceEqual(names.Select(run.Key).OrderBy(k => k.Value, StringComparer.Ordinal)), "the listing does not tell all of them");
        foreach (string name in names)
        {
            run.Expect(await run.Store.DeleteAsync(run.Key(name), null, run.Cancellation).ConfigureAwait(false), $"'{name}' cannot be removed");
        }
    }

    private static async Task LargeObject(ConformanceRun run)
    {
        byte[] bytes = Bytes(Large, 11);
        using var content = new DripStream(bytes);
        PutResult result = await run.Store.PutAsync(run.Key("large"), content, PutCondition.IfAbsent, run.Cancellation).ConfigureAwait(false);
        run.Expect(result.Written, "it was not written");
        Stream stream = await run.Store.OpenAsync(run.Key("large"), null, run.Cancellation).ConfigureAwait(false) ?? throw new ObjectStoreConformanceException("large", "null");
        await using (stream.ConfigureAwait(false))
        {
            byte[] buffer = new byte[100_003];
            int at = 0;
            while (await stream.ReadAsync(buffer, run.Cancellation).ConfigureAwait(false) is var read and > 0)
            {
                run.Expect(at + read <= Large && buffer.AsSpan(0, read).SequenceEqual(bytes.AsSpan(at, read)), $"other bytes came after {at}");
                at += read;
            }

            run.Expect(at == Large, $"{at} of {Large} bytes came");
        }

        foreach ((int offset, int length) in new[] { (0, 1), ((8 << 20) - 3, 7), ((4 << 20) + 1, 9 << 20), (Large - 1, 1) })
        {
            byte[]? part = await run.ReadAsync("large", new ByteRange(offset, length)).ConfigureAwait(false);
            run.Expect(part is not null && part.AsSpan().SequenceEqual(bytes.AsSpan(offset, length)), $"{length} bytes from {offset} are others");
        }
    }

    private static async Task Edges(ConformanceRun run)
    {
        byte[] bytes = Bytes(200_001, 13);
        using var content = new MemoryStream(bytes);
        await run.Store.PutAsync(run.Key("k"), content, PutCondition.Any, run.Cancellation).ConfigureAwait(false);
        int[] edges = [0, 1, 4_095, 4_096, 65_535, 65_536, 65_537, 131_072, 200_000, 200_001];
        foreach (int offset in edges)
        {
            foreach (long length in edges.Select(e => (long)e).Append(long.MaxValue))
            {
                byte[]? part = await run.ReadAsync("k", new ByteRange(offset, length)).ConfigureAwait(false);
                int expected = (int)Math.Min(length, bytes.Length - offset);
                run.Expect(part is not null && part.AsSpan().SequenceEqual(bytes.AsSpan(offset, expected)), $"{length} bytes from {offset} of {bytes.Length} gave {part?.Length ?? -1} bytes or others");
            }
        }

        await run.WriteAsync("empty", string.Empty).ConfigureAwait(false);
        run.Expect(await run.ReadAsync("empty", new ByteRange(0, 5)).ConfigureAwait(false) is { Length: 0 }, "a range of an empty object is not empty");
        await run.ExpectCodeAsync("store.invalid_range", async () => await run.ReadAsync("empty", new ByteRange(1)).ConfigureAwait(false), "a range behind an empty object").ConfigureAwait(false);
        run.Expect(await run.ReadAsync("absent", new ByteRange(5, 5)).ConfigureAwait(false) is null, "a range of what is absent is not null");
    }

    private static async Task FailingAnywhere(ConformanceRun run)
    {
        string etag = await run.WriteAsync("k", "old").ConfigureAwait(false);
        foreach ((int length, int failAfter) in new[] { (100, 0), (100, 1), (100, 100), (70_001, 65_536), (9 << 20, (17 << 20) / 2), (9 << 20, 9 << 20) })
        {
            foreach (PutCondition condition in new[] { PutCondition.Any, PutCondition.IfMatch(etag) })
            {
                await FailAsync("k", length, failAfter, condition).ConfigureAwait(false);
            }

            await FailAsync("never", length, failAfter, PutCondition.IfAbsent).ConfigureAwait(false);
        }

        await run.ExpectContentAsync("k", "old").ConfigureAwait(false);
        await run.ExpectContentAsync("never", null).ConfigureAwait(false);
        await run.WriteAsync("k", "new", PutCondition.IfMatch(etag)).ConfigureAwait(false);
        await run.WriteAsync("never", "now", PutCondition.IfAbsent).ConfigureAwait(false);

        async Task FailAsync(string name, int length, int failAfter, PutCondition condition)
        {
            using var content = new DripStream(new byte[length], failAfter);
            await run.ExpectThrowsAsync<DripException>(async () => await run.Store.PutAsync(run.Key(name), content, condition, run.Cancellation).ConfigureAwait(false), $"a put of {length} bytes whose content fails after {failAfter}").ConfigureAwait(false);
        }
    }

    private static async Task CancelledPut(ConformanceRun run)
    {
        await run.WriteAsync("k", "old").ConfigureAwait(false);
        foreach (int length in new[] { 200_000, 9 << 20 })
        {
            foreach (string name in new[] { "k", "never" })
            {
                using var source = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
                using var content = new DripStream(new byte[length], onRead: position =>
                {
                    if (position >= length / 2)
                    {
                        source.Cancel();
                    }
                });
                await run.ExpectThrowsAsync<OperationCanceledException>(async () => await run.Store.PutAsync(run.Key(name), content, PutCondition.Any, source.Token).ConfigureAwait(false), "a put that is cancelled on its way").ConfigureAwait(false);
            }
        }

        await run.ExpectContentAsync("k", "old").ConfigureAwait(false);
        await run.ExpectContentAsync("never", null).ConfigureAwait(false);
        run.Expect((await run.ListAsync(run.Prefix).ConfigureAwait(false)).Count == 1, "what was half written is listed");
    }

    private static async Task CancelledReading(ConformanceRun run)
    {
        for (int i = 0; i < 10; i++)
        {
            await run.WriteAsync($"k{i}", new string('x', 100_000)).ConfigureAwait(false);
        }

        using var source = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
        int told = 0;
        await run.ExpectThrowsAsync<OperationCanceledException>(
            async () =>
            {
                await foreach (ObjectInfo _ in run.Store.ListAsync(run.Prefix, null, source.Token).ConfigureAwait(false))
                {
                    if (++told == 3)
                    {
                        await source.CancelAsync().ConfigureAwait(false);
                    }
                }
            },
            "a listing that is cancelled after three objects").ConfigureAwait(false);
        run.Expect(told == 3, $"{told} objects came though the listing was cancelled after three");
        Stream stream = await run.Store.OpenAsync(run.Key("k0"), null, run.Cancellation).ConfigureAwait(false) ?? throw new ObjectStoreConformanceException("cancelled", "null");
        await using (stream.ConfigureAwait(false))
        {
            await run.ExpectThrowsAsync<OperationCanceledException>(async () => _ = await stream.ReadAsync(new byte[10], source.Token).ConfigureAwait(false), "a read with a cancelled token").ConfigureAwait(false);
        }

        await run.ExpectThrowsAsync<OperationCanceledException>(async () => await run.Store.TouchAsync(run.Key("k0"), source.Token).ConfigureAwait(false), "TouchAsync").ConfigureAwait(false);
    }

    private static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
