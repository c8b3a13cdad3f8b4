using System.Buffers;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk;

/// <summary>A folder as a store: durable, atomic across processes, and the default.</summary>
/// <remarks>
/// An object is one file below the folder. It is written under a temporary name, flushed, and then given its name by <c>link</c>
/// (if-absent) or <c>rename</c> (replace), so a process killed at any point leaves the old object or the new one. Replacing and
/// removing happen under an advisory lock that dies with its process. Safe on local file systems (ext4, xfs, NTFS, APFS); network shares
/// without working locks or hard links are not.
/// </remarks>
public sealed partial class FolderObjectStore : IStagingObjectStore, IResumableObjectStore
{
    private const string Temporary = ".tmp";
    private const string Locks = ".locks";
    private const int SmallObject = 1 << 16;
    private const int WriteBlock = 1 << 20;
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(1);

    private readonly string _root;
    private readonly TimeProvider _time;
    private readonly string _run = $"{Environment.ProcessId}-{Path.GetRandomFileName()}"; // a clock is not enough: two stores open in the same millisecond, and containers share process ids
    private long _counter;
    private long _lastTick;

    /// <summary>Opens a folder, making it when it is not there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="time">The clock for waiting and ages; null for the system's.</param>
    /// <exception cref="MlopsStorageException">The folder cannot be made or written to.</exception>
    public FolderObjectStore(string path, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _time = time ?? TimeProvider.System;
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Description = $"folder {path}";
        Guarded("open", () =>
        {
            Directory.CreateDirectory(Path.Combine(_root, Temporary, Uploads));
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
        cancellationToken.ThrowIfCancellationRequested();
        return await GuardedAsync($"write '{key}' to", async () =>
        {
            if (!MayPut(key, condition))
            {
                return default;
            }

            string temporary = NewTemporary();
            bool published = false;
            try
            {
                (long length, DateTime written) = await WriteTemporaryAsync(temporary, content, cancellationToken).ConfigureAwait(false);
                PutResult result = await PublishAsync(key, temporary, length, written, condition, cancellationToken).ConfigureAwait(false);
                published = result.Written;
                return result;
            }
            finally
            {
                if (!published)
                {
                    File.Delete(temporary);
                }
            }
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<Stream?> OpenAsync(ObjectKey key, ByteRange? range = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Guarded($"read '{key}' from", () => Resolve(key) is var file && IsObject(file) ? OpenFile(key, file.FullName, range) : null));
    }

    /// <inheritdoc/>
    public ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Guarded($"look '{key}' up in", () => InfoOf(key, Resolve(key))));
    }

    /// <inheritdoc/>
    public async ValueTask<bool> DeleteAsync(ObjectKey key, string? ifMatch = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await GuardedAsync($"remove '{key}' from", async () =>
        {
            FileInfo file = Resolve(key);
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

            file.Delete();
            DurableFiles.SyncFolder(file.DirectoryName!);
            return true;
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TouchAsync(ObjectKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await GuardedAsync($"touch '{key}' in", async () =>
        {
            FileInfo file = Resolve(key);
            if (!IsObject(file))
            {
                return false;
            }

            using FileStream _ = await LockAsync(key, cancellationToken).ConfigureAwait(false);
            file.Refresh();
            if (!IsObject(file))
            {
                return false;
            }

            DateTime now = NextTick();
            File.SetLastWriteTimeUtc(file.FullName, now > file.LastWriteTimeUtc ? now : file.LastWriteTimeUtc.AddTicks(1));
            return true;
        }).ConfigureAwait(false);
    }

    private static string ETagOf(FileInfo file) => ETagOf(file.LastWriteTimeUtc, file.Length);

    private static string ETagOf(DateTime written, long length) => string.Create(CultureInfo.InvariantCulture, $"{written.Ticks:x}-{length:x}");

    /// <summary>Tells whether there is anything of that name: a file, a folder or a link. One look at the disk, kept by the object until it is refreshed.</summary>
    private static bool Exists(FileInfo file) => (int)file.Attributes != -1;

    private static bool IsObject(FileInfo file) => Exists(file) && !file.Attributes.HasFlag(FileAttributes.Directory);

    private static Stream? OpenFile(ObjectKey key, string path, ByteRange? range)
    {
        SafeFileHandle handle;
        try
        {
            // the open handle keeps the state it saw even when the name is given to another file
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        try
        {
            long length = RandomAccess.GetLength(handle);
            ByteRange part = range ?? new ByteRange(0);
            if (part.Offset < 0 || part.Offset > length || part.Length < 0)
            {
                throw new MlopsStorageException("store.invalid_range", $"'{key}' has {length} bytes; the range is {part.Length?.ToString(CultureInfo.InvariantCulture) ?? "all"} from {part.Offset}. Ask for a range inside the object.");
            }

            long wanted = Math.Min(part.Length ?? long.MaxValue, length - part.Offset);
            if (wanted > SmallObject)
            {
                var file = new FileStream(handle, FileAccess.Read, 1 << 16) { Position = part.Offset };
                return part.Length is null ? file : new BoundedStream(file, wanted);
            }

            byte[] bytes = new byte[wanted];
            int read = 0;
            while (read < bytes.Length && RandomAccess.Read(handle, bytes.AsSpan(read), part.Offset + read) is var more and > 0)
            {
                read += more;
            }

            handle.Dispose();
            return new MemoryStream(bytes, 0, read, writable: false, publiclyVisible: true);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Writes and flushes a file that nobody sees yet.</summary>
    private async ValueTask<(long Length, DateTime Written)> WriteTemporaryAsync(string temporary, Stream content, CancellationToken cancellationToken)
    {
        using SafeFileHandle handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(content is MemoryStream { Length: <= SmallObject } ? SmallObject : WriteBlock);
        try
        {
            long length = 0;
            while (await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                RandomAccess.Write(handle, buffer.AsSpan(0, read), length);
                length += read;
                cancellationToken.ThrowIfCancellationRequested();
            }

            DateTime written = NextTick();
            File.SetLastWriteTimeUtc(handle, written);
            RandomAccess.FlushToDisk(handle);
            return (length, written);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads the clock, so that no two writes of a process have one time: times make the ETags, and the file system's own are coarse.</summary>
    private DateTime NextTick()
    {
        while (true)
        {
            long last = Interlocked.Read(ref _lastTick);
            long next = Math.Max(last + 1, _time.GetUtcNow().UtcTicks);
            if (Interlocked.CompareExchange(ref _lastTick, next, last) == last)
            {
                return new DateTime(next, DateTimeKind.Utc);
            }
        }
    }

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

    /// <summary>Turns a checked key into a file and refuses one that is, or lies behind, a symbolic link.</summary>
    private FileInfo Resolve(ObjectKey key)
    {
        var file = new FileInfo(Path.Combine(_root, key.Value.Replace('/', Path.DirectorySeparatorChar)));
        RefuseLinks(file, key.Value);
        return file;
    }

    private void RefuseLinks(FileInfo file, string name)
    {
        for (FileInfo part = file; part.FullName.Length > _root.Length; part = new FileInfo(part.DirectoryName!))
        {
            if (Exists(part) && part.Attributes.HasFlag(FileAttributes.ReparsePoint))
            {
                throw new MlopsStorageException("store.access_denied", $"'{name}' is, or lies behind, a symbolic link in the {Description}. A store holds plain folders and files; remove the link.");
            }
        }
    }

    private static void EnsureFolder(ObjectKey key, string folder)
    {
        var found = new FileInfo(folder);
        if (!Exists(found))
        {
            string parent = Path.GetDirectoryName(folder)!;
            EnsureFolder(key, parent);
            Directory.CreateDirectory(folder);
            DurableFiles.SyncFolder(parent);
        }
        else if (!found.Attributes.HasFlag(FileAttributes.Directory))
        {
            throw new MlopsStorageException("store.invalid_key", $"'{key}' cannot be an object: a part of it before a '/' is an object already. A name is an object or a folder, not both; choose another key.");
        }
    }

    private string NewTemporary() => Path.Combine(_root, Temporary, $"{_run}-{Interlocked.Increment(ref _counter):x}");

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
            catch (IOException taken) when (attempt < 10_000 && DurableFiles.IsSharingViolation(taken))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1 + (attempt % 5)), _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
