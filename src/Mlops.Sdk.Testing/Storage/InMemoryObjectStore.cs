using System.Globalization;
using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Testing;

/// <summary>A store in memory, for tests: as strict as the real ones, gone with the process. Thread-safe.</summary>
/// <param name="time">The clock of modification times; null for the system's.</param>
public sealed partial class InMemoryObjectStore(TimeProvider? time = null) : IResumableObjectStore
{
    private readonly SortedDictionary<string, (byte[] Bytes, string ETag, DateTimeOffset Modified)> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _folders = new(StringComparer.Ordinal);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long _writes;

    /// <inheritdoc/>
    public string Description => "memory";

    /// <inheritdoc/>
    public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        cancellationToken.ThrowIfCancellationRequested();
        _ = key.Value;
        using var copy = new MemoryStream();
        await content.CopyToAsync(copy, cancellationToken).ConfigureAwait(false);
        lock (_objects)
        {
            bool there = _objects.TryGetValue(key.Value, out (byte[] Bytes, string ETag, DateTimeOffset Modified) present);
            if ((condition.MustBeAbsent && there) || (condition.ETag is { } wanted && (!there || present.ETag != wanted)))
            {
                return default;
            }

            if (!there)
            {
                RefuseFolderThatIsAnObject(key.Value);
                foreach (string folder in FoldersOf(key.Value))
                {
                    _folders[folder] = _folders.GetValueOrDefault(folder) + 1;
                }
            }

            string etag = (++_writes).ToString(CultureInfo.InvariantCulture);
            _objects[key.Value] = (copy.ToArray(), etag, _time.GetUtcNow());
            return new PutResult(true, etag);
        }
    }

    /// <inheritdoc/>
    public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        byte[] bytes;
        lock (_objects)
        {
            if (!_objects.TryGetValue(key.Value, out (byte[] Bytes, string ETag, DateTimeOffset Modified) present))
            {
                return ValueTask.FromResult<Stream?>(null);
            }

            bytes = present.Bytes;
        }

        ByteRange part = range ?? new ByteRange(0);
        if (part.Offset < 0 || part.Offset > bytes.Length || part.Length < 0)
        {
            throw new MlopsStorageException("store.invalid_range", $"'{key}' has {bytes.Length} bytes; the range starts at {part.Offset}. Ask for a range inside the object.");
        }

        int length = (int)Math.Min(part.Length ?? long.MaxValue, bytes.Length - part.Offset);
        return ValueTask.FromResult<Stream?>(new MemoryStream(bytes, (int)part.Offset, length, writable: false));
    }

    /// <inheritdoc/>
    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_objects)
        {
            return ValueTask.FromResult(_objects.TryGetValue(key.Value, out (byte[] Bytes, string ETag, DateTimeOffset Modified) present)
                ? new ObjectInfo(key, present.Bytes.Length, present.ETag, present.Modified)
                : null);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        ObjectKey.CheckPrefix(prefix);
        ObjectInfo[] found;
        lock (_objects)
        {
            found = [.. _objects
                .Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal) && (after is null || string.CompareOrdinal(o.Key, after) > 0))
                .Select(o => new ObjectInfo(ObjectKey.Parse(o.Key), o.Value.Bytes.Length, o.Value.ETag, o.Value.Modified))];
        }

        foreach (ObjectInfo info in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_objects)
        {
            bool matches = _objects.TryGetValue(key.Value, out (byte[] Bytes, string ETag, DateTimeOffset Modified) present) && (ifMatch is null || present.ETag == ifMatch);
            if (!matches)
            {
                return ValueTask.FromResult(false);
            }

            _objects.Remove(key.Value);
            foreach (string folder in FoldersOf(key.Value))
            {
                if (--_folders[folder] == 0)
                {
                    _folders.Remove(folder);
                }
            }

            return ValueTask.FromResult(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_objects)
        {
            bool there = _objects.TryGetValue(key.Value, out (byte[] Bytes, string ETag, DateTimeOffset Modified) present);
            if (there)
            {
                _objects[key.Value] = (present.Bytes, (++_writes).ToString(CultureInfo.InvariantCulture), _time.GetUtcNow());
            }

            return ValueTask.FromResult(there);
        }
    }

    /// <summary>A folder store cannot have 'a' and 'a/b'; what runs on this store is to run on that one.</summary>
    private void RefuseFolderThatIsAnObject(string key)
    {
        if (_folders.ContainsKey(key))
        {
            throw new MlopsStorageException("store.invalid_key", $"'{key}' cannot be an object: other objects' keys start with '{key}/'. A name is an object or a folder, not both; choose another key.");
        }

        if (FoldersOf(key).FirstOrDefault(_objects.ContainsKey) is { } taken)
        {
            throw new MlopsStorageException("store.invalid_key", $"'{key}' cannot be an object: '{taken}' is one already. A name is an object or a folder, not both; choose another key.");
        }
    }

    private static IEnumerable<string> FoldersOf(string key)
    {
        for (int slash = key.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = key.IndexOf('/', slash + 1))
        {
            yield return key[..slash];
        }
    }
}
