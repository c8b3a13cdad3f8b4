namespace Mlops.Sdk;

/// <content>What the system's errors mean.</content>
public sealed partial class FolderObjectStore
{
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
        const int linuxQuota = 122;
        const int macQuota = 69;
        const int windowsDiskFull = unchecked((int)0x80070070);
        const int windowsHandleDiskFull = unchecked((int)0x80070027);
        if (error.HResult is noSpace or linuxQuota or macQuota or windowsDiskFull or windowsHandleDiskFull)
        {
            return new MlopsStorageException("store.full", $"Cannot {what} the {Description}: the disk is full. Free space and try again; nothing was written.", error);
        }

        return error is UnauthorizedAccessException || error.HResult == readOnly
            ? new MlopsStorageException("store.access_denied", $"Cannot {what} the {Description}: this process may not. Give it read and write permission, or choose another folder.", error)
            : new MlopsStorageException("store.unavailable", $"Cannot {what} the {Description}: {error.Message}", error);
    }
}
