using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Core.Tests.Storage;

public enum Defect
{
    IgnoresIfAbsent,
    IgnoresIfMatch,
    AnswersWrittenAlways,
    OneETagForAll,
    ListsBackwards,
    ForgetsRanges,
    RemovesNothing,
    IgnoresCancellation,
    DisposesContent,
    AcceptsAnyPrefix,
}

/// <summary>A store that does one thing wrong.</summary>
internal sealed class DefectiveStore(InMemoryObjectStore inner, Defect defect) : IObjectStore
{
    public string Description => "defective";

    public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        PutCondition used = (defect, condition) switch
        {
            (Defect.IgnoresIfAbsent, { MustBeAbsent: true }) or (Defect.IgnoresIfMatch, { ETag: not null }) => PutCondition.Any,
            (Defect.OneETagForAll, { ETag: "one" }) => PutCondition.Any,
            _ => condition,
        };
        PutResult result = await inner.PutAsync(key, content, used, Effective(cancellationToken));
        if (defect == Defect.DisposesContent)
        {
            await content.DisposeAsync();
        }

        return defect switch
        {
            Defect.AnswersWrittenAlways => result with { Written = true },
            Defect.OneETagForAll when result.Written => result with { ETag = "one" },
            _ => result,
        };
    }

    public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) =>
        inner.OpenAsync(key, defect == Defect.ForgetsRanges ? null : range, Effective(cancellationToken));

    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) =>
        Changed(await inner.HeadAsync(key, Effective(cancellationToken)));

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default)
    {
        if (defect == Defect.AcceptsAnyPrefix)
        {
            return inner.ListAsync(string.Empty, after, cancellationToken).Where(o => o.Key.Value.StartsWith(prefix, StringComparison.Ordinal));
        }

        IAsyncEnumerable<ObjectInfo> all = inner.ListAsync(prefix, after, Effective(cancellationToken)).Select(o => Changed(o)!);
        return defect == Defect.ListsBackwards ? all.Reverse() : all;
    }

    public async ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) =>
        defect == Defect.RemovesNothing || await inner.DeleteAsync(key, defect == Defect.OneETagForAll ? null : ifMatch, Effective(cancellationToken));

    public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => inner.TouchAsync(key, Effective(cancellationToken));

    private CancellationToken Effective(CancellationToken token) => defect == Defect.IgnoresCancellation ? CancellationToken.None : token;

    private ObjectInfo? Changed(ObjectInfo? info) => defect == Defect.OneETagForAll && info is not null ? info with { ETag = "one" } : info;
}
