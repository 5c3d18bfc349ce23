"""files.*: the three steps of an upload; the bytes go to an URL of their own."""

from .errors import SlackError
from .web_api import method
from .workspace import BOT_USER, FILES_KEPT

FILE_BYTES = 4 << 20


@method("files.getUploadURLExternal", scope="files:write", tier="4", form_only=True)
def files_get_upload_url(api, args):
    args.need("filename", "length")
    length = args.number("length", 0, 0, 1 << 40)
    if length == 0:
        raise SlackError("invalid_arguments", ["[ERROR] length must be more than 0 [json-pointer:/length]"])
    if length > FILE_BYTES:
        raise SlackError("file_upload_size_restricted")
    file_id = api.ws.new_id("F")
    api.ws.files[file_id] = {"id": file_id, "name": args.text("filename"), "size": length, "bytes": None,
                             "user": BOT_USER, "shared": False}
    while len(api.ws.files) > FILES_KEPT:
        api.ws.files.popitem(last=False)
    return {"upload_url": f"{api.base_url}/upload/{file_id}", "file_id": file_id}


@method("files.completeUploadExternal", scope="files:write", tier="4")
def files_complete_upload(api, args):
    wanted = args.json("files")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments", ["[ERROR] missing required field: files [json-pointer:/files]"])
    done = []
    for item in wanted:
        file = api.ws.files.get(item.get("id")) if isinstance(item, dict) else None
        if file is None or file["bytes"] is None:
            raise SlackError("file_not_found")
        file["title"] = str(item.get("title") or file["name"])
        done.append(file)
    shown = [{"id": file["id"], "title": file["title"], "name": file["name"], "size": file["size"],
              "url_private": f"{api.base_url}/files/{file['id']}"} for file in done]
    if args.text("channel_id"):
        channel = api.channel(args.text("channel_id"))
        message = api.ws.add_message(channel, BOT_USER, args.text("initial_comment"), files=shown,
                                     subtype="file_share", thread_ts=args.text("thread_ts", None))
        api.hub.on_message(channel, message)
    for file in done:
        file["shared"] = True
    return {"files": shown}


def receive(ws, file_id, body):
    """The POST to an upload URL."""
    file = ws.files.get(file_id)
    if file is None:
        raise SlackError("file_not_found", status=404)
    if len(body) != file["size"]:
        raise SlackError("length_mismatch", status=400)
    file["bytes"] = body
    return f"OK - {len(body)}"
