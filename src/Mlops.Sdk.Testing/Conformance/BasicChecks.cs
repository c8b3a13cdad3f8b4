namespace Mlops.Sdk.Testing;

/// <summary>Putting, opening, looking up and removing.</summary>
internal static class BasicChecks
{
    private const int Large = (3 << 20) + 1;

    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("What is put can be opened, looked up and listed", PutIsThere),
        ("What is absent opens as null, looks up as null and is not removed", AbsentIsNull),
        ("A put replaces what was there", PutReplaces),
        ("An object may be empty", Empty),
        ("A large object comes from a stream of unknown length", LargeFromUnseekable),
        ("Content is read from its current position and is not disposed", FromPosition),
        ("What is removed is gone, and its key can be used again", Remove),
        ("Another handle sees a write at once", AnotherHandle),
        ("A put whose content fails leaves what was there", FailingContent),
        ("A call that is cancelled beforehand has no effect", Cancelled),
        ("The default key is refused", DefaultKey),
        ("A store has a description", Described),
    ];

    private static async Task PutIsThere(ConformanceRun run)
    {
        string etag = await run.WriteAsync("a/b.json", "one").ConfigureAwait(false);
        await run.ExpectContentAsync("a/b.json", "one").ConfigureAwait(false);
        ObjectInfo? info = await run.Store.HeadAsync(run.Key("a/b.json"), run.Cancellation).ConfigureAwait(false);
        run.Expect(info is not null, "HeadAsync does not find it");
        run.Expect(info!.Key == run.Key("a/b.json") && info.Length == 3, $"HeadAsync tells key '{info.Key}' and length {info.Length}");
        run.Expect(info.ETag == etag, $"HeadAsync tells the ETag {info.ETag}, the put told {etag}");
        List<ObjectInfo> listed = await run.ListAsync(run.Prefix).ConfigureAwait(false);
        run.Expect(listed.Count == 1 && listed[0] == info, "ListAsync does not tell the same facts as HeadAsync");
    }

    private static async Task AbsentIsNull(ConformanceRun run)
    {
        await run.WriteAsync("near", "x").ConfigureAwait(false);
        foreach (string name in new[] { "absent", "nea", "near2", "deep/er/absent" })
        {
            await run.ExpectContentAsync(name, null).ConfigureAwait(false);
            run.Expect(await run.Store.HeadAsync(run.Key(name), run.Cancellation).ConfigureAwait(false) is null, $"HeadAsync finds '{name}'");
            run.Expect(!await run.Store.DeleteAsync(run.Key(name), null, run.Cancellation).ConfigureAwait(false), $"DeleteAsync says it removed '{name}'");
        }
    }

    private static async Task PutReplaces(ConformanceRun run)
    {
        var etags = new HashSet<string>(StringComparer.Ordinal);
        foreach (string text in new[] { "one", "two", "two", "a longer one", string.Empty, "one" })
        {
            run.Expect(etags.Add(await run.WriteAsync("k", text).ConfigureAwait(false)), "two writes of one key had the same ETag");
            await run.ExpectContentAsync("k", text).ConfigureAwait(false);
        }
    }

    private static async Task Empty(ConformanceRun run)
    {
        await run.WriteAsync("empty", string.Empty, PutCondition.IfAbsent).ConfigureAwait(false);
        await run.ExpectContentAsync("empty", string.Empty).ConfigureAwait(false);
        run.Expect(await run.Store.HeadAsync(run.Key("empty"), run.Cancellation).ConfigureAwait(false) is { Length: 0 }, "HeadAsync does not tell length 0");
        run.Expect(!(await run.PutAsync("empty", "x", PutCondition.IfAbsent).ConfigureAwait(false)).Written, "an empty object counts as absent");
    }

    private static async Task LargeFromUnseekable(ConformanceRun run)
    {
        byte[] bytes = new byte[Large];
        new Random(7).NextBytes(bytes);
        using var content = new DripStream(bytes);
        PutResult result = await run.Store.PutAsync(run.Key("large"), content, PutCondition.IfAbsent, run.Cancellation).ConfigureAwait(false);
        run.Expect(result.Written, "it was not written");
        byte[]? found = await run.ReadAsync("large").ConfigureAwait(false);
        run.Expect(found is not null && found.AsSpan().SequenceEqual(bytes), $"other bytes came back ({found?.Length ?? -1} of {Large})");
    }

    private static async Task FromPosition(ConformanceRun run)
    {
        using var content = new MemoryStream("skipped, taken"u8.ToArray());
        content.Position = 9;
        await run.Store.PutAsync(run.Key("k"), content, PutCondition.Any, run.Cancellation).ConfigureAwait(false);
        await run.ExpectContentAsync("k", "taken").ConfigureAwait(false);
        run.Expect(content.CanRead, "the content was disposed");
    }

    private static async Task Remove(ConformanceRun run)
    {
        string first = await run.WriteAsync("k", "one").ConfigureAwait(false);
        run.Expect(await run.Store.DeleteAsync(run.Key("k"), null, run.Cancellation).ConfigureAwait(false), "DeleteAsync says there was nothing");
        await run.ExpectContentAsync("k", null).ConfigureAwait(false);
        run.Expect((await run.ListAsync(run.Prefix).ConfigureAwait(false)).Count == 0, "ListAsync still shows it");
        run.Expect(!await run.Store.DeleteAsync(run.Key("k"), null, run.Cancellation).ConfigureAwait(false), "it can be removed twice");
        string second = await run.WriteAsync("k", "two", PutCondition.IfAbsent).ConfigureAwait(false);
        run.Expect(first != second, "an object made anew has the ETag of the one that was removed");
    }

    private static async Task AnotherHandle(ConformanceRun run)
    {
        IObjectStore other = run.OpenAnother();
        string etag = await run.WriteAsync("k", "one").ConfigureAwait(false);
        await run.ExpectContentAsync("k", "one", other).ConfigureAwait(false);
        run.Expect((await other.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))?.ETag == etag, "the other handle tells another ETag");
        run.Expect((await run.PutAsync("k", "two", PutCondition.IfMatch(etag), other).ConfigureAwait(false)).Written, "the other handle does not accept the ETag");
        await run.ExpectContentAsync("k", "two").ConfigureAwait(false);
    }

    private static async Task FailingContent(ConformanceRun run)
    {
        await run.WriteAsync("k", "old").ConfigureAwait(false);
        foreach (string name in new[] { "k", "never" })
        {
            using var content = new DripStream(new byte[200_000], failAfter: 150_000);
            await run.ExpectThrowsAsync<DripException>(async () => await run.Store.PutAsync(run.Key(name), content, PutCondition.Any, run.Cancellation).ConfigureAwait(false), "a put whose content fails").ConfigureAwait(false);
        }

        await run.ExpectContentAsync("k", "old").ConfigureAwait(false);
        await run.ExpectContentAsync("never", null).ConfigureAwait(false);
        run.Expect((await run.ListAsync(run.Prefix).ConfigureAwait(false)).Count == 1, "what was half written is listed");
    }

    private static async Task Cancelled(ConformanceRun run)
    {
        await run.WriteAsync("k", "old").ConfigureAwait(false);
        using var source = new CancellationTokenSource();
        await source.CancelAsync().ConfigureAwait(false);
        CancellationToken cancelled = source.Token;
        ObjectKey key = run.Key("k");
        await run.ExpectThrowsAsync<OperationCanceledException>(
            async () =>
            {
                using var content = new MemoryStream([1]);
                await run.Store.PutAsync(key, content, PutCondition.Any, cancelled).ConfigureAwait(false);
            },
            "PutAsync").ConfigureAwait(false);
        await run.ExpectThrowsAsync<OperationCanceledException>(async () => await run.Store.OpenAsync(key, null, cancelled).ConfigureAwait(false), "OpenAsync").ConfigureAwait(false);
        await run.ExpectThrowsAsync<OperationCanceledException>(async () => await run.Store.HeadAsync(key, cancelled).ConfigureAwait(false), "HeadAsync").ConfigureAwait(false);
        await run.ExpectThrowsAsync<OperationCanceledException>(async () => await run.Store.DeleteAsync(key, null, cancelled).ConfigureAwait(false), "DeleteAsync").ConfigureAwait(false);
        await run.ExpectThrowsAsync<OperationCanceledException>(
            async () =>
            {
                await foreach (ObjectInfo _ in run.Store.ListAsync(run.Prefix, null, cancelled).ConfigureAwait(false))
                {
                    run.Expect(false, "a cancelled ListAsync tells objects");
                }
            },
            "ListAsync").ConfigureAwait(false);
        await run.ExpectContentAsync("k", "old").ConfigureAwait(false);
    }

    private static async Task DefaultKey(ConformanceRun run)
    {
        using var content = new MemoryStream([1]);
        await run.ExpectThrowsAsync<InvalidOperationException>(async () => await run.Store.PutAsync(default, content, PutCondition.Any, run.Cancellation).ConfigureAwait(false), "PutAsync").ConfigureAwait(false);
        await run.ExpectThrowsAsync<InvalidOperationException>(async () => await run.Store.OpenAsync(default, null, run.Cancellation).ConfigureAwait(false), "OpenAsync").ConfigureAwait(false);
        await run.ExpectThrowsAsync<InvalidOperationException>(async () => await run.Store.DeleteAsync(default, null, run.Cancellation).ConfigureAwait(false), "DeleteAsync").ConfigureAwait(false);
    }

    private static Task Described(ConformanceRun run)
    {
        run.Expect(!string.IsNullOrWhiteSpace(run.Store.Description), "its description is blank");
        return Task.CompletedTask;
    }
}
