namespace Mlops.Sdk.Testing;

/// <summary>Renewing an object's age.</summary>
internal static class TouchChecks
{
    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("A touch changes the ETag and the time and leaves the bytes alone", Touched),
        ("A touch of what is absent answers false and makes nothing", Absent),
        ("After a touch a removal or a put by the old ETag is not done", OldETag),
        ("Of a touch and a removal by the ETag at once exactly one is done", Racing),
        ("A touch by another handle is seen", OtherHandle),
    ];

    private static async Task Touched(ConformanceRun run)
    {
        foreach (string text in new[] { string.Empty, "some bytes", new string('x', 300_000) })
        {
            var seen = new HashSet<string>(StringComparer.Ordinal) { await run.WriteAsync("k", text).ConfigureAwait(false) };
            ObjectInfo before = await InfoAsync(run).ConfigureAwait(false);
            for (int i = 0; i < 5; i++)
            {
                run.Expect(await run.Store.TouchAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false), "a touch of what is there answers false");
                ObjectInfo after = await InfoAsync(run).ConfigureAwait(false);
                run.Expect(seen.Add(after.ETag), "the ETag is one that was there before");
                run.Expect(after.Modified >= before.Modified, $"the time went back from {before.Modified:O} to {after.Modified:O}");
                run.Expect(after.Length == before.Length, "the length changed");
                before = after;
            }

            await run.ExpectContentAsync("k", text).ConfigureAwait(false);
        }
    }

    private static async Task Absent(ConformanceRun run)
    {
        await run.WriteAsync("near", "x").ConfigureAwait(false);
        run.Expect(!await run.Store.TouchAsync(run.Key("absent"), run.Cancellation).ConfigureAwait(false), "it answers true");
        run.Expect(!await run.Store.TouchAsync(run.Key("deep/absent"), run.Cancellation).ConfigureAwait(false), "it answers true below a folder that is not there");
        run.Expect((await run.ListAsync(run.Prefix).ConfigureAwait(false)).Count == 1, "something was made");
        await run.ExpectThrowsAsync<InvalidOperationException>(async () => await run.Store.TouchAsync(default, run.Cancellation).ConfigureAwait(false), "TouchAsync of the default key").ConfigureAwait(false);
    }

    private static async Task OldETag(ConformanceRun run)
    {
        string old = await run.WriteAsync("k", "text").ConfigureAwait(false);
        await run.Store.TouchAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false);
        run.Expect(!await run.Store.DeleteAsync(run.Key("k"), old, run.Cancellation).ConfigureAwait(false), "the removal was done");
        run.Expect(!(await run.PutAsync("k", "other", PutCondition.IfMatch(old)).ConfigureAwait(false)).Written, "the put was done");
        await run.ExpectContentAsync("k", "text").ConfigureAwait(false);
        string present = (await InfoAsync(run).ConfigureAwait(false)).ETag;
        await run.WriteAsync("k", "other", PutCondition.IfMatch(present)).ConfigureAwait(false);
    }

    private static async Task Racing(ConformanceRun run)
    {
        IObjectStore other = run.OpenAnother();
        for (int round = 0; round < 20; round++)
        {
            string name = $"race/{round}";
            string etag = await run.WriteAsync(name, "x").ConfigureAwait(false);
            Task<bool> RemoveAsync() => Task.Run(async () => await run.Store.DeleteAsync(run.Key(name), etag, run.Cancellation).ConfigureAwait(false));
            Task<bool> TouchAsync() => Task.Run(async () => await other.TouchAsync(run.Key(name), run.Cancellation).ConfigureAwait(false));
            bool removalFirst = round % 2 == 0;
            bool[] done = await Task.WhenAll(removalFirst ? [RemoveAsync(), TouchAsync()] : new[] { TouchAsync(), RemoveAsync() }).ConfigureAwait(false);
            Array.Reverse(done, 0, removalFirst ? 0 : 2);
            run.Expect(done[0] != done[1], done[0] ? "the object was removed and the touch says it is there" : "the object was neither removed nor touched");
            await run.ExpectContentAsync(name, done[0] ? null : "x").ConfigureAwait(false);
        }
    }

    private static async Task OtherHandle(ConformanceRun run)
    {
        string old = await run.WriteAsync("k", "x").ConfigureAwait(false);
        run.Expect(await run.OpenAnother().TouchAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false), "the other handle does not find the object");
        run.Expect((await InfoAsync(run).ConfigureAwait(false)).ETag != old, "this handle tells the old ETag");
    }

    private static async Task<ObjectInfo> InfoAsync(ConformanceRun run) =>
        await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false) ?? throw new ObjectStoreConformanceException("A touch changes the ETag and the time and leaves the bytes alone", "the object is gone");
}
