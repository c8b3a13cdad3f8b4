using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk;

/// <content>Content without a key yet, and what is left of it when a process dies.</content>
public sealed partial class FolderObjectStore
{
    private const string Uploads = "uploads";
    private static readonly TimeSpan UploadAge = TimeSpan.FromDays(7);

    /// <inheritdoc/>
    public ValueTask<IStagedObject?> StageAsync(string? stageId = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (stageId is not null)
        {
            UploadIds.Check(stageId);
        }

        return ValueTask.FromResult<IStagedObject?>(Guarded("stage content in", () => Stage(stageId is null ? null : "s:" + stageId)));
    }

    /// <inheritdoc/>
    public async ValueTask<IObjectUpload?> OpenUploadAsync(ObjectKey key, string uploadId, CancellationToken cancellationToken = default)
    {
        UploadIds.Check(uploadId);
        string id = $"u:{key.Value}:{uploadId}";
        cancellationToken.ThrowIfCancellationRequested();
        FolderStagedObject staged = Guarded("upload to", () => Stage(id));
        return await FolderUpload.OpenAsync(staged, key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives a finished file its key when the condition holds; the file is gone from its old place when the result says so.</summary>
    internal async ValueTask<PutResult> PublishAsync(ObjectKey key, string temporary, long length, DateTime written, PutCondition condition, CancellationToken cancellationToken)
    {
        FileInfo present = Resolve(key);
        string target = present.FullName;
        EnsureFolder(key, Path.GetDirectoryName(target)!);
        if (condition.MustBeAbsent)
        {
            return DurableFiles.TryPublish(temporary, target) ? new PutResult(true, ETagOf(written, length)) : default;
        }

        using FileStream _ = await LockAsync(key, cancellationToken).ConfigureAwait(false);
        present.Refresh();
        bool isThere = IsObject(present);
        if (condition.ETag is { } wanted && (!isThere || ETagOf(present) != wanted))
        {
            return default;
        }

        if (isThere && written <= present.LastWriteTimeUtc)
        {
            // a clock that went back: the ETag must change all the same
            written = present.LastWriteTimeUtc.AddTicks(1);
            File.SetLastWriteTimeUtc(temporary, written);
        }

        DurableFiles.Replace(temporary, target);
        return new PutResult(true, ETagOf(written, length));
    }

    /// <summary>Tells whether a put may go on, before anything is written.</summary>
    internal bool MayPut(ObjectKey key, PutCondition condition)
    {
        FileInfo present = Resolve(key);
        return Exists(present) && !IsObject(present)
            ? throw new MlopsStorageException("store.invalid_key", $"'{key}' cannot be an object: other objects' keys start with '{key}/'. A name is an object or a folder, not both; choose another key.")
            : !(condition.MustBeAbsent && Exists(present));
    }

    internal DateTime Tick() => NextTick();

    internal ValueTask<T> GuardAsync<T>(string what, Func<Task<T>> work) => GuardedAsync(what, work);

    private FolderStagedObject Stage(string? id)
    {
        if (id is not null && TryLockUpload(NameOfUpload(id)) is { } taken)
        {
            try
            {
                string path = Path.Combine(_root, Temporary, Uploads, NameOfUpload(id));
                return new FolderStagedObject(this, path, File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None), taken);
            }
            catch
            {
                taken.Dispose();
                throw;
            }
        }

        string temporary = NewTemporary();
        return new FolderStagedObject(this, temporary, File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None), null);
    }

    private static string NameOfUpload(string id) => Digest.Of(Encoding.UTF8.GetBytes(id)).Hex;

    /// <summary>Takes the lock of an upload, without which nobody opens, names or removes its file; null when somebody has it.</summary>
    private FileStream? TryLockUpload(string name)
    {
        try
        {
            // 4,096 lock files serve all uploads: two that share one by chance are both done, and one of them cannot be gone on with
            return new FileStream(Path.Combine(_root, Locks, $"u-{name[..3]}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException taken) when (DurableFiles.IsSharingViolation(taken))
        {
            return null;
        }
    }

    /// <summary>Removes what dead processes left: temporary files older than any write takes, and uploads that nobody went on with.</summary>
    private void SweepLeftovers()
    {
        DateTime now = _time.GetUtcNow().UtcDateTime;
        foreach (string file in Directory.EnumerateFiles(Path.Combine(_root, Temporary)))
        {
            if (File.GetLastWriteTimeUtc(file) < now - LeftoverAge && !IsOpenElsewhere(file))
            {
                File.Delete(file);
            }
        }

        foreach (string file in Directory.EnumerateFiles(Path.Combine(_root, Temporary, Uploads)))
        {
            if (File.GetLastWriteTimeUtc(file) < now - UploadAge && TryLockUpload(Path.GetFileName(file)) is { } taken)
            {
                using (taken)
                {
                    File.Delete(file);
                }
            }
        }
    }

    /// <summary>Tells whether a living process still writes to a temporary file, as a large and slow one may for hours.</summary>
    private static bool IsOpenElsewhere(string file)
    {
        try
        {
            using SafeFileHandle _ = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (Exception gone) when (gone is FileNotFoundException or UnauthorizedAccessException)
        {
            return false; // another one swept it, or it is another user's, whose folder we may write to all the same
        }
        catch (IOException taken) when (DurableFiles.IsSharingViolation(taken))
        {
            return true;
        }
    }
}
