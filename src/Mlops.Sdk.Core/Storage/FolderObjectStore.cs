using System.Globalization;
using System.Runtime.CompilerServices;

namespace Mlops.Sdk;

/// <summary>A folder as a store: durable, atomic across processes, and the default.</summary>
/// <remarks>
/// An object is one file below the folder. It is written under a temporary name, flushed, and then given its name by <c>link</c>
/// (if-absent) or <c>rename</c> (replace), so a process killed at any point leaves the old object or the new one. Replacing and
/// removing happen under an advisory lock that dies with its process. Safe on local file systems (ext4, xfs, NTFS, APFS); network shares
/// without working locks or hard links are not.
/// </remarks>
public sealed class FolderObjectStore : IObjectStore
{
    private const string Temporary = ".tmp";
    private const string Locks = ".locks";
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(1);

    private readonly string _root;
    private readonly TimeProvider _time;
    private readonly string _run = $"{Environment.ProcessId}-{Path.GetRandomFileName()}"; // a clock is not enough: two stores open in the same millisecond, and containers share process ids
    private long _counter;

    /// <summary>Opens a folder, making it when it is not there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="time">The clock for waiting and ages; null for the system's.</param>
    /// <exception cref="MlopsStorageException">The folder cannot be made or written to.</exception>
    public FolderObjectStore(string path, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _time = time ?? TimeProvider.System;
        _root = Path.GetFullPath(path);
        Description = $"folder {path}";
        Guarded("open", () =>
        {
            Directory.CreateDirectory(Path.Combine(_root, Temporary));
            Directory.CreateDirectory(Path.Combine(_root, Locks));
            string probe = NewTemporary();
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
            SweepLeftovers();
            return true;
        });
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public async ValueTask<PutResult> PutAsync(ObjectKey key, Stream content, PutCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        string target = PathOf(key);
        return await GuardedAsync($"write '{key}' to", async () =>
        {
            if (condition.MustBeAbsent && File.Exists(target))
            {
                return default;
            }

            string temporary = NewTemporary();
            try
            {
                var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
                await using (file.ConfigureAwait(false))
                {
                    await content.CopyToAsync(file, 1 << 17, cancellationToken).ConfigureAwait(false);
                    await file.FlushAsync(cancellationToken).ConfigureAwait(false);
                    RandomAccess.FlushToDisk(file.SafeFileHandle);
                }

                EnsureFolder(Path.GetDirectoryName(target)!);
                if (condition.MustBeAbsent)
                {
                    string made = ETagOf(new FileInfo(temporary));
                    return DurableFiles.TryPublish(temporary, target) ? new PutResult(true, made) : default;
                }

                using FileStream _ = await LockAsync(key, cancellationToken).ConfigureAwait(false);
                var present = new FileInfo(target);
                if (condition.ETag is { } wanted && (!present.Exists || ETagOf(present) != wanted))
                {
                    return default;
                }

                if (present.Exists && File.GetLastWriteTimeUtc(temporary) <= present.LastWriteTimeUtc)
                {
                    // a clock that went back, or two writes in one tick: the ETag must change all the same
                    File.SetLastWriteTimeUtc(temporary, present.LastWriteTimeUtc.AddTicks(1));
                }

                string etag = ETagOf(new FileInfo(temporary));
                DurableFiles.Replace(temporary, target);
                return new PutResult(true, etag);
            }
            finally
            {
                File.Delete(temporary);
            }
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string path = PathOf(key);
        return ValueTask.FromResult(Guarded($"read '{key}' from", () =>
        {
            if (!IsObject(new FileInfo(path)))
            {
                return null;
            }

            try
            {
                // the open handle keeps the state it saw even when the name is given to another file
                Stream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 14, FileOptions.SequentialScan);
                if (range is not { } part)
                {
                    return file;
                }

                if (part.Offset < 0 || part.Offset > file.Length || part.Length < 0)
                {
                    file.Dispose();
                    throw new MlopsStorageException("store.invalid_range", $"'{key}' has fewer bytes than the range from {part.Offset}. Ask for a range inside the object.");
                }

                file.Position = part.Offset;
                return part.Length is { } length ? new BoundedStream(file, length) : file;
            }
            catch (FileNotFoundException)
            {
                return null;
            }
        }));
    }

    /// <inheritdoc/>
    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Guarded($"look '{key}' up in", () => InfoOf(key, new FileInfo(PathOf(key)))));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        ObjectKey.CheckPrefix(prefix);
        int slash = prefix.LastIndexOf('/');
        string start = slash < 0 ? string.Empty : prefix[..slash];
        string folder = Path.Combine(_root, start.Replace('/', Path.DirectorySeparatorChar));
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        List<string> keys = Guarded("list", () => KeysBelow(folder, prefix, after));
        keys.Sort(StringComparer.Ordinal);
        foreach (string text in keys)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectKey key = ObjectKey.Parse(text);
            if (Guarded("list", () => InfoOf(key, new FileInfo(PathOf(key)))) is { } info)
            {
                yield return info;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default)
    {
        string path = PathOf(key);
        return await GuardedAsync($"remove '{key}' from", async () =>
        {
            var file = new FileInfo(path);
            if (!IsObject(file))
            {
                return false;
            }

            using FileStream _ = await LockAsync(key, cancellationToken).ConfigureAwait(false);
            file.Refresh();
            if (!IsObject(file) || (ifMatch is not null && ETagOf(file) != ifMatch))
            {
                return false;
            }

            File.Delete(path);
            DurableFiles.SyncFolder(Path.GetDirectoryName(path)!);
            return true;
        }).ConfigureAwait(false);
    }

    private static string ETagOf(FileInfo file) => string.Create(CultureInfo.InvariantCulture, $"{file.LastWriteTimeUtc.Ticks:x}-{file.Length:x}");

    private static bool IsObject(FileInfo file) => file.Exists && file.LinkTarget is null;

    private static ObjectInfo? InfoOf(ObjectKey key, FileInfo file)
    {
        try
        {
            return IsObject(file) ? new ObjectInfo(key, file.Length, ETagOf(file), new DateTimeOffset(file.LastWriteTimeUtc)) : null;
        }
        catch (FileNotFoundException)
        {
            return null; // removed between the two looks
        }
    }

    private List<string> KeysBelow(string folder, string prefix, string? after)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };
        var keys = new List<string>();
        foreach (string file in Directory.EnumerateFiles(folder, "*", options))
        {
            string key = Path.GetRelativePath(_root, file).Replace(Path.DirectorySeparatorChar, '/');
            if (key[0] != '.' && key.StartsWith(prefix, StringComparison.Ordinal) && (after is null || string.CompareOrdinal(key, after) > 0))
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    /// <summary>Turns a checked key into a path and refuses one whose folders leave the store through a symbolic link.</summary>
    private string PathOf(ObjectKey key)
    {
        string path = Path.Combine(_root, key.Value.Replace('/', Path.DirectorySeparatorChar));
        for (string folder = Path.GetDirectoryName(path)!; folder.Length > _root.Length; folder = Path.GetDirectoryName(folder)!)
        {
            if (new DirectoryInfo(folder) is { Exists: true, LinkTarget: not null })
            {
                throw new MlopsStorageException("store.access_denied", $"'{key}' lies behind a symbolic link in the {Description}. A store holds plain folders and files; remove the link.");
            }
        }

        return path;
    }

    private static void EnsureFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        string parent = Path.GetDirectoryName(folder)!;
        EnsureFolder(parent);
        Directory.CreateDirectory(folder);
        DurableFiles.SyncFolder(parent);
    }

    private string NewTemporary() => Path.Combine(_root, Temporary, $"{_run}-{Interlocked.Increment(ref _counter):x}");

    /// <summary>Removes temporary files of processes that died: those older than any write takes.</summary>
    private void SweepLeftovers()
    {
        DateTime old = _time.GetUtcNow().UtcDateTime - LeftoverAge;
        foreach (string file in Directory.EnumerateFiles(Path.Combine(_root, Temporary)))
        {
            if (File.GetLastWriteTimeUtc(file) < old)
            {
                File.Delete(file);
            }
        }
    }

    private async ValueTask<FileStream> LockAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        // 256 lock files serve all keys; the operating system frees a lock with its process
        string path = Path.Combine(_root, Locks, Digest.Of(System.Text.Encoding.UTF8.GetBytes(key.Value)).Hex[..2]);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException) when (attempt < 10_000 && Directory.Exists(Path.GetDirectoryName(path)))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1 + (attempt % 5)), _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private T Guarded<T>(string what, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Explain(what, error);
        }
    }

    private async ValueTask<T> GuardedAsync<T>(string what, Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Explain(what, error);
        }
    }

    private MlopsStorageException Explain(string what, Exception error)
    {
        const int noSpace = 28;
        const int readOnly = 30;
        const int windowsDiskFull = unchecked((int)0x80070070);
        if (error.HResult is noSpace or windowsDiskFull)
        {
            return new MlopsStorageException("store.full", $"Cannot {what} the {Description}: the disk is full. Free space and try again; nothing was written.", error);
        }

        return error is UnauthorizedAccessException || error.HResult == readOnly
            ? new MlopsStorageException("store.access_denied", $"Cannot {what} the {Description}: this process may not. Give it read and write permission, or choose another folder.", error)
            : new MlopsStorageException("store.unavailable", $"Cannot {what} the {Description}: {error.Message}", error);
    }
}
