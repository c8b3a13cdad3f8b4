using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Storage;

public enum Defect
{
    IgnoresIfAbsent,
    IgnoresIfMatch,
    AnswersWrittenAlways,
    OneETagForAll,
    ETagIsTheContent,
    ETagIsNewEachTime,
    ListsBackwards,
    ListsAThousandOnly,
    RefusesAfterThatIsNoKey,
    LosesLongKeys,
    CutsLargeObjects,
    ForgetsRanges,
    NullAtTheEnd,
    RemovesNothing,
    IgnoresCancellation,
    DisposesContent,
    AcceptsAnyPrefix,
    KeepsHalf,
    TouchFindsAll,
    TouchDoesNothing,
    UploadIsVisibleEarly,
    UploadForgets,
    UploadNeverAbandons,
    UploadIgnoresConditions,
    OneUploadForAll,
    StageKeepsAll,
}

/// <summary>A store that does one thing wrong.</summary>
internal sealed class DefectiveStore(InMemoryObjectStore inner, Defect defect) : IResumableObjectStore, IStagingObjectStore
{
    private readonly List<byte> _staged = [];
    private long _told;

    public string Description => "defective";

    public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        PutCondition used = (defect, condition) switch
        {
            (Defect.IgnoresIfAbsent, { MustBeAbsent: true }) or (Defect.IgnoresIfMatch, { ETag: not null }) => PutCondition.Any,
            (Defect.OneETagForAll, { ETag: "one" }) => PutCondition.Any,
            (Defect.ETagIsTheContent, { ETag: { } wanted }) when wanted == await DigestAsync(key) => PutCondition.Any,
            (Defect.ETagIsTheContent, { ETag: not null }) => PutCondition.IfMatch("none"),
            _ => condition,
        };
        if (defect == Defect.LosesLongKeys && key.Value.Length > 300)
        {
            return new PutResult(true, "lost");
        }

        using Stream? half = defect == Defect.KeepsHalf ? await HalfAsync(content, cancellationToken) : defect == Defect.CutsLargeObjects ? await HalfAsync(content, cancellationToken, 100_000) : null;
        PutResult result = await inner.PutAsync(key, half ?? content, used, half is null ? Effective(cancellationToken) : CancellationToken.None);
        if (half is HalfStream { Problem: { } problem })
        {
            throw problem;
        }

        if (defect == Defect.DisposesContent)
        {
            await content.DisposeAsync();
        }

        return defect switch
        {
            Defect.AnswersWrittenAlways => result with { Written = true },
            Defect.OneETagForAll when result.Written => result with { ETag = "one" },
            Defect.ETagIsTheContent when result.Written => result with { ETag = await DigestAsync(key) },
            _ => result,
        };
    }

    public async ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) =>
        defect == Defect.NullAtTheEnd && range is { } part && (await inner.HeadAsync(key, cancellationToken))?.Length == part.Offset
            ? null
            : await inner.OpenAsync(key, defect == Defect.ForgetsRanges ? null : range, Effective(cancellationToken));

    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        ObjectInfo? info = Changed(await inner.HeadAsync(key, Effective(cancellationToken)));
        return defect == Defect.ETagIsTheContent && info is not null ? info with { ETag = await DigestAsync(key) ?? info.ETag } : info;
    }

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default)
    {
        if (defect == Defect.AcceptsAnyPrefix)
        {
            return inner.ListAsync(string.Empty, after, cancellationToken).Where(o => o.Key.Value.StartsWith(prefix, StringComparison.Ordinal));
        }

        if (defect == Defect.RefusesAfterThatIsNoKey && after is not null)
        {
            _ = ObjectKey.Parse(after);
        }

        IAsyncEnumerable<ObjectInfo> all = inner.ListAsync(prefix, after, Effective(cancellationToken)).Select(o => Changed(o)!);
        return defect switch
        {
            Defect.ListsBackwards => all.Reverse(),
            Defect.ListsAThousandOnly => all.Take(1_000),
            Defect.IgnoresCancellation => Deaf(all),
            _ => all,
        };
    }

    public async ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) =>
        defect == Defect.RemovesNothing || (defect == Defect.ETagIsTheContent && ifMatch is not null
            ? ifMatch == await DigestAsync(key) && await inner.DeleteAsync(key, null, cancellationToken)
            : await inner.DeleteAsync(key, defect == Defect.OneETagForAll ? null : ifMatch, Effective(cancellationToken)));

    public async ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => defect switch
    {
        Defect.TouchDoesNothing => await inner.HeadAsync(key, cancellationToken) is not null,
        Defect.TouchFindsAll => await inner.TouchAsync(key, cancellationToken) || true,
        _ => await inner.TouchAsync(key, Effective(cancellationToken)),
    };

    public async ValueTask<IObjectUpload?> OpenUploadAsync(ObjectKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        ObjectKey used = defect == Defect.OneUploadForAll ? ObjectKey.Parse("one") : key;
        string id = defect switch
        {
            Defect.OneUploadForAll => "one",
            Defect.UploadForgets => $"{uploadId}-{_told++}",
            _ => uploadId,
        };
        return new DefectiveUpload(inner, key, (await inner.OpenUploadAsync(used, id, cancellationToken))!, defect);
    }

    public ValueTask<IStagedObject?> StageAsync(string? stageId = null, CancellationToken cancellationToken = default) =>
        new(defect == Defect.StageKeepsAll ? new DefectiveStage(inner, _staged) : null);

    private static async IAsyncEnumerable<ObjectInfo> Deaf(IAsyncEnumerable<ObjectInfo> all)
    {
        await foreach (ObjectInfo info in all)
        {
            yield return info;
        }
    }

    /// <summary>Takes what comes before the content fails for the whole of it.</summary>
    private static async Task<Stream> HalfAsync(Stream content, CancellationToken cancellationToken, int most = int.MaxValue)
    {
        var half = new HalfStream();
        try
        {
            byte[] buffer = new byte[50_000];
            while (half.Length < most && await content.ReadAsync(buffer, cancellationToken) is var read and > 0)
            {
                half.Write(buffer, 0, read);
            }
        }
        catch (Exception error)
        {
            half.Problem = error;
        }

        half.Position = 0;
        return half;
    }

    private async Task<string?> DigestAsync(ObjectKey key)
    {
        using Stream? stream = await inner.OpenAsync(key);
        using var copy = new MemoryStream();
        await (stream ?? Stream.Null).CopyToAsync(copy);
        return stream is null ? null : Digest.Of(copy.ToArray()).Hex;
    }

    private CancellationToken Effective(CancellationToken token) => defect == Defect.IgnoresCancellation ? CancellationToken.None : token;

    private ObjectInfo? Changed(ObjectInfo? info) => (defect, info) switch
    {
        (Defect.OneETagForAll, not null) => info with { ETag = "one" },
        (Defect.ETagIsNewEachTime, not null) => info with { ETag = $"{info.ETag}-{Interlocked.Increment(ref _told)}" },
        _ => info,
    };

    private sealed class HalfStream : MemoryStream
    {
        internal Exception? Problem { get; set; }
    }
}

/// <summary>An upload that does one thing wrong.</summary>
internal sealed class DefectiveUpload(InMemoryObjectStore store, ObjectKey key, IObjectUpload inner, Defect defect) : IObjectUpload
{
    public IReadOnlyList<UploadPart> Parts => inner.Parts;

    public async ValueTask AppendAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken = default)
    {
        await inner.AppendAsync(part, cancellationToken);
        if (defect == Defect.UploadIsVisibleEarly)
        {
            using var content = new MemoryStream(part.ToArray());
            await store.PutAsync(key, content, PutCondition.Any, cancellationToken);
        }
    }

    public ValueTask<PutResult> CompleteAsync(PutCondition condition = default, CancellationToken cancellationToken = default) =>
        inner.CompleteAsync(defect == Defect.UploadIgnoresConditions ? PutCondition.Any : condition, cancellationToken);

    public ValueTask AbandonAsync(CancellationToken cancellationToken = default) => defect == Defect.UploadNeverAbandons ? ValueTask.CompletedTask : inner.AbandonAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

/// <summary>One stage for everybody, which never goes.</summary>
internal sealed class DefectiveStage(InMemoryObjectStore store, List<byte> staged) : IStagedObject
{
    public long Length => staged.Count;

    public ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        staged.AddRange(bytes.Span);
        return ValueTask.CompletedTask;
    }

    public ValueTask<long> AppendFileAsync(Microsoft.Win32.SafeHandles.SafeFileHandle source, long offset, long length, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) => new(0);

    public ValueTask ClearAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public async ValueTask<PutResult> PublishAsync(ObjectKey key, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        using var content = new MemoryStream([.. staged]);
        return await store.PutAsync(key, content, condition, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
