namespace Mlops.Sdk.Testing;

/// <summary>Uploads in parts and content that is named at the end, on stores that have them; on others these rules hold by themselves.</summary>
internal static class UploadChecks
{
    private const int Part = 300_000;

    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("An upload is invisible until it is completed, and then whole", WholeUpload),
        ("An upload that was left goes on behind its durable parts", ResumedUpload),
        ("An upload that is abandoned starts anew", AbandonedUpload),
        ("An upload is completed only when its condition holds", ConditionalUpload),
        ("An upload of another id or key has nothing of this one", OtherUploads),
        ("Staged content is invisible until it is published, and then whole", WholeStage),
        ("Staged content without an id goes with its disposal, with an id it stays", ResumedStage),
    ];

    private static async Task WholeUpload(ConformanceRun run)
    {
        if (await OpenAsync(run, "k", "id").ConfigureAwait(false) is not { } upload)
        {
            return;
        }

        byte[] bytes = Bytes(3 * Part);
        await using (upload.ConfigureAwait(false))
        {
            run.Expect(upload.Parts.Count == 0, "a new upload has parts");
            for (int i = 0; i < 3; i++)
            {
                byte[] buffer = bytes[(i * Part)..((i + 1) * Part)];
                await upload.AppendAsync(buffer, run.Cancellation).ConfigureAwait(false);
                Array.Clear(buffer); // the memory is the caller's again
                run.Expect(await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false) is null, "HeadAsync finds it before it is completed");
                run.Expect((await run.ListAsync(run.Prefix).ConfigureAwait(false)).Count == 0, "ListAsync tells it before it is completed");
            }

            PutResult result = await upload.CompleteAsync(PutCondition.IfAbsent, run.Cancellation).ConfigureAwait(false);
            run.Expect(result.Written && !string.IsNullOrEmpty(result.ETag), $"completing it answers {result}");
            run.Expect((await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))?.ETag == result.ETag, "HeadAsync tells another ETag than completing it");
        }

        byte[]? found = await run.ReadAsync("k").ConfigureAwait(false);
        run.Expect(found is not null && found.AsSpan().SequenceEqual(bytes), "other bytes came back");
        run.Expect((await run.ListAsync(string.Empty).ConfigureAwait(false)).TrueForAll(o => o.Key == run.Key("k") || !o.Key.Value.StartsWith(run.Prefix, StringComparison.Ordinal)), "something is left beside it");
    }

    private static async Task ResumedUpload(ConformanceRun run)
    {
        byte[] bytes = Bytes(4 * Part);
        long durable = 0;
        for (int session = 0; session < 3; session++)
        {
            if (await OpenAsync(run, "k", "id", session == 0 ? null : run.OpenAnother()).ConfigureAwait(false) is not { } upload)
            {
                return;
            }

            await using (upload.ConfigureAwait(false))
            {
                durable = ExpectParts(run, upload, bytes);
                run.Expect(session == 0 || durable == session * Part, $"{durable} of {session * Part} bytes are told to be durable after {session} sessions that ended without a failure");
                await upload.AppendAsync(bytes.AsMemory((int)durable, Part), run.Cancellation).ConfigureAwait(false);
            }
        }

        IObjectUpload last = (await OpenAsync(run, "k", "id").ConfigureAwait(false))!;
        await using (last.ConfigureAwait(false))
        {
            durable = ExpectParts(run, last, bytes);
            run.Expect(durable == 3 * Part, $"{durable} of {3 * Part} bytes are told to be durable");
            await last.AppendAsync(bytes.AsMemory((int)durable), run.Cancellation).ConfigureAwait(false);
            await last.CompleteAsync(PutCondition.Any, run.Cancellation).ConfigureAwait(false);
        }

        byte[]? found = await run.ReadAsync("k").ConfigureAwait(false);
        run.Expect(found is not null && found.AsSpan().SequenceEqual(bytes), "other bytes came back");
        IObjectUpload anew = (await OpenAsync(run, "k", "id").ConfigureAwait(false))!;
        await using (anew.ConfigureAwait(false))
        {
            run.Expect(anew.Parts.Count == 0, "a completed upload still has parts");
        }
    }

    private static async Task AbandonedUpload(ConformanceRun run)
    {
        if (await OpenAsync(run, "k", "id").ConfigureAwait(false) is not { } upload)
        {
            return;
        }

        await using (upload.ConfigureAwait(false))
        {
            await upload.AppendAsync(Bytes(Part), run.Cancellation).ConfigureAwait(false);
            await upload.AbandonAsync(run.Cancellation).ConfigureAwait(false);
            run.Expect(upload.Parts.Count == 0, "it has parts");
            await upload.AppendAsync("anew"u8.ToArray(), run.Cancellation).ConfigureAwait(false);
            await upload.CompleteAsync(PutCondition.Any, run.Cancellation).ConfigureAwait(false);
        }

        await run.ExpectContentAsync("k", "anew").ConfigureAwait(false);
    }

    private static async Task ConditionalUpload(ConformanceRun run)
    {
        string etag = await run.WriteAsync("k", "old").ConfigureAwait(false);
        foreach ((PutCondition condition, bool holds) in new[] { (PutCondition.IfAbsent, false), (PutCondition.IfMatch("no-etag"), false), (PutCondition.IfMatch(etag), true) })
        {
            if (await OpenAsync(run, "k", "id").ConfigureAwait(false) is not { } upload)
            {
                return;
            }

            await using (upload.ConfigureAwait(false))
            {
                run.Expect(upload.Parts.Count == 0, "parts whose condition did not hold are still there");
                await upload.AppendAsync("new"u8.ToArray(), run.Cancellation).ConfigureAwait(false);
                PutResult result = await upload.CompleteAsync(condition, run.Cancellation).ConfigureAwait(false);
                run.Expect(result.Written == holds, $"completing it answers {result}");
            }

            await run.ExpectContentAsync("k", holds ? "new" : "old").ConfigureAwait(false);
        }
    }

    private static async Task OtherUploads(ConformanceRun run)
    {
        if (await OpenAsync(run, "k", "one").ConfigureAwait(false) is not { } upload)
        {
            return;
        }

        await using (upload.ConfigureAwait(false))
        {
            await upload.AppendAsync("one"u8.ToArray(), run.Cancellation).ConfigureAwait(false);
        }

        foreach ((string name, string id) in new[] { ("k", "two"), ("k2", "one") })
        {
            IObjectUpload other = (await OpenAsync(run, name, id).ConfigureAwait(false))!;
            await using (other.ConfigureAwait(false))
            {
                run.Expect(other.Parts.Count == 0, $"the upload '{id}' of '{name}' has parts of another one");
            }
        }

        foreach (string id in new[] { string.Empty, "A", "a b", "../x", "a/b", "a\0", new string('a', 129) })
        {
            await run.ExpectThrowsAsync<ArgumentException>(async () => await OpenAsync(run, "k", id).ConfigureAwait(false), $"an upload id of {id.Length} characters that is none").ConfigureAwait(false);
        }
    }

    private static async Task WholeStage(ConformanceRun run)
    {
        if (run.Store is not IStagingObjectStore staging || await staging.StageAsync(null, run.Cancellation).ConfigureAwait(false) is not { } staged)
        {
            return;
        }

        byte[] bytes = Bytes(2 * Part);
        await using (staged.ConfigureAwait(false))
        {
            await staged.AppendAsync(bytes.AsMemory(0, Part), run.Cancellation).ConfigureAwait(false);
            await staged.AppendAsync(bytes.AsMemory(Part), run.Cancellation).ConfigureAwait(false);
            byte[] back = new byte[10];
            int read = await staged.ReadAsync(Part - 5, back, run.Cancellation).ConfigureAwait(false);
            run.Expect(staged.Length == 2 * Part && read > 0 && back.AsSpan(0, read).SequenceEqual(bytes.AsSpan(Part - 5, read)), "what is staged cannot be read back");
            run.Expect((await run.ListAsync(run.Prefix).ConfigureAwait(false)).Count == 0, "it is listed before it is published");
            PutResult result = await staged.PublishAsync(run.Key("k"), PutCondition.IfAbsent, run.Cancellation).ConfigureAwait(false);
            run.Expect(result.Written, "publishing it was not done");
        }

        byte[]? found = await run.ReadAsync("k").ConfigureAwait(false);
        run.Expect(found is not null && found.AsSpan().SequenceEqual(bytes), "other bytes came back");
    }

    private static async Task ResumedStage(ConformanceRun run)
    {
        foreach (string? id in new[] { null, "id-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)) })
        {
            for (int session = 0; session < 2; session++)
            {
                if (run.Store is not IStagingObjectStore staging || await staging.StageAsync(id, run.Cancellation).ConfigureAwait(false) is not { } staged)
                {
                    return;
                }

                await using (staged.ConfigureAwait(false))
                {
                    long expected = id is null ? 0 : session * 3;
                    run.Expect(staged.Length == expected, $"{staged.Length} bytes are staged and {expected} should be");
                    await staged.AppendAsync("abc"u8.ToArray(), run.Cancellation).ConfigureAwait(false);
                    if (session == 1)
                    {
                        await staged.PublishAsync(run.Key("k"), PutCondition.Any, run.Cancellation).ConfigureAwait(false);
                    }
                }
            }

            await run.ExpectContentAsync("k", id is null ? "abc" : "abcabc").ConfigureAwait(false);
        }
    }

    private static long ExpectParts(ConformanceRun run, IObjectUpload upload, byte[] bytes)
    {
        long offset = 0;
        foreach (UploadPart part in upload.Parts)
        {
            run.Expect(part.Offset == offset && part.Length > 0 && offset + part.Length <= bytes.Length, $"a part is told to have {part.Length} bytes from {part.Offset}, after {offset}");
            run.Expect(part.Digest == Digest.Of(bytes.AsSpan((int)offset, part.Length)), $"the part at {offset} is told to have another digest");
            offset += part.Length;
        }

        return offset;
    }

    private static async Task<IObjectUpload?> OpenAsync(ConformanceRun run, string name, string id, IObjectStore? store = null) =>
        (store ?? run.Store) is IResumableObjectStore resumable ? await resumable.OpenUploadAsync(run.Key(name), id, run.Cancellation).ConfigureAwait(false) : null;

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
