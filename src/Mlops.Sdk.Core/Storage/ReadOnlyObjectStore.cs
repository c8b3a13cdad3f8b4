namespace Mlops.Sdk;

/// <summary>Shows a store and lets nobody change it; what a filter refuses is not there.</summary>
internal sealed class ReadOnlyObjectStore(IObjectStore inner, Func<ObjectKey, bool>? shows = null) : IObjectStore, IForeignFiles
{
    public string Description => inner.Description;

    public ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default) => throw Refuse(key);

    public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default) =>
        Shows(key) ? inner.OpenAsync(key, range, cancellationToken) : default;

    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default) =>
        Shows(key) ? inner.HeadAsync(key, cancellationToken) : default;

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, CancellationToken cancellationToken = default) =>
        shows is null ? inner.ListAsync(prefix, after, cancellationToken) : inner.ListAsync(prefix, after, cancellationToken).Where(o => shows(o.Key));

    public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default) => throw Refuse(key);

    public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default) => throw Refuse(key);

    public IEnumerable<ForeignFile> FindForeignFiles() => inner is IForeignFiles foreign ? foreign.FindForeignFiles() : [];

    private bool Shows(ObjectKey key) => shows is null || shows(key);

    private MlopsStorageException Refuse(ObjectKey key) =>
        new("store.access_denied", $"'{key}' in the {Description} cannot be changed: the store is open for verification only.");
}
